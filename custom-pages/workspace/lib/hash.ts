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

/** Link of a notification or of a line of the timeline, a path such as `/accounts/<id>`, as a hash of this page; null for a path that leads nowhere here. */
export function hashOfLink(link: string): string | null {
  const [, page, id, part, partId] = link.replace(/^#/, '').split('/')
  if (page === 'accounts') return hashOf('accounts', { open: id, ...(part === 'changes' ? { change: partId } : part === 'people' ? { person: partId } : {}) })
  if (page === 'runs') return hashOf('follow-ups', { run: id })
  if (page === 'deliveries') return hashOf('operations', { queue: 'deliveries', state: 'all', delivery: id })
  if (page === 'cases') return hashOf('cases', { case: id })
  return page === 'setup' ? hashOf('set-up') : null
}
