/** Where the person is: everything that can be linked to lives in the hash, because the page sits in a frame. */
export interface Place {
  page: string
  params: Record<string, string>
}

/** `#/accounts?happiness=none&page=2` → page and parameters. */
export function parseHash(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?')
  return { page: path.split('/')[0] ?? '', params: Object.fromEntries(new URLSearchParams(search)) }
}

/** The other way round; parameters without a value are left out. */
export function hashOf(page: string, params: Record<string, string | number | undefined> = {}): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(params)) if (value !== undefined && value !== '') search.set(key, String(value))
  return `#/${page}${search.size === 0 ? '' : `?${search.toString()}`}`
}

/** Link of a notification or an entry, a path such as `/accounts/<id>`, as a hash of this page; null for a path that leads nowhere here. */
export function hashOfLink(link: string): string | null {
  const [path = '', search = ''] = link.replace(/^#/, '').split('?')
  const [, page, id] = path.split('/')
  const params = Object.fromEntries(new URLSearchParams(search))
  if (page === 'accounts') return hashOf('accounts', { open: id, ...params })
  if (page === 'cases') return hashOf('cases', { case: id, ...params })
  if (page === 'follow-ups' || page === 'operations') return hashOf(page, params)
  return page === 'setup' ? hashOf('set-up') : null
}

/** Where an entry of the timeline came from. */
export function causeHash(entry: { link?: string | undefined }): string | null {
  return entry.link === undefined ? null : hashOfLink(entry.link)
}
