import { computed, shallowRef } from 'vue'
import type { CaseView } from '../../../src/http/contract/cases.ts'
import type { SessionUser } from '../session.ts'
import { whyNot } from './rights-words.ts'

/** An account, as far as it matters whose it is. */
interface Owned {
  csm: { userId: string; name: string } | null
}

const user = shallowRef<SessionUser | null>(null)

/** Who is looking, with each session that is opened: a role that changed is known with the next. */
export function looksNow(now: SessionUser): void {
  user.value = now
}

const rights = computed(() => user.value?.rights ?? null)
const isOwn = (whose: { userId: string } | null) => whose !== null && whose.userId === user.value?.userId

/** What the person may do, for the buttons of a page; the server decides anew for each request. */
export function useRights() {
  return {
    isReadOnly: computed(() => rights.value?.role === 'read_only'),
    /** They change their own book only. */
    hasBook: computed(() => rights.value?.accounts === 'own'),
    mayChangeAny: computed(() => rights.value?.accounts === 'all'),
    mayPublish: computed(() => rights.value?.workflows === true),
    maySettings: computed(() => rights.value?.settings === true),
    mayChange: ({ csm }: Owned): boolean => rights.value?.accounts === 'all' || (rights.value?.accounts === 'own' && isOwn(csm)),
    /** @param ownAccounts ids of the accounts that the person looks after, if that is what counts */
    mayHandle: (one: Pick<CaseView, 'owner' | 'locationId'>, ownAccounts: ReadonlySet<string>): boolean =>
      rights.value?.accounts === 'all' || (rights.value?.accounts === 'own' && (isOwn(one.owner) || ownAccounts.has(one.locationId))),
    /** Why they may not change an account, as a quiet sentence; null if they may. */
    whyNotChange({ csm }: Owned): string | null {
      if (rights.value === null || rights.value.accounts === 'all' || (rights.value.accounts === 'own' && isOwn(csm))) return null
      if (rights.value.accounts === 'none') return whyNot.readOnly
      return csm === null ? whyNot.nobodys : whyNot.others(csm.name)
    },
  }
}
