import { hashOf } from '../lib/hash.ts'

let last = hashOf('accounts')

/** Keeps how the list was filtered, so that the way back from an account leads to it as it was. */
export function rememberList(page: string, params: Readonly<Record<string, string>>): void {
  const { open: _open, set: _set, account, show, ...rest } = params
  if (page === 'accounts' && account === undefined && show === undefined) last = hashOf('accounts', rest)
}

export const lastList = (): string => last
