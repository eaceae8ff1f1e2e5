/** Where the person is: everything that can be linked to lives in the hash, because the page sits in a frame. */
export interface Place {
  page: string
  /** What stands behind the page's name: `cadence` in `#/settings/cadence`. */
  part: string
  params: Record<string, string>
}

/** `#/accounts?happiness=none&page=2` → page, its part and parameters. */
export function parseHash(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?')
  const [page = '', part = ''] = path.split('/')
  return { page, part, params: Object.fromEntries(new URLSearchParams(search)) }
}

/** The other way round; parameters without a value are left out. */
export function hashOf(page: string, params: Record<string, string | number | undefined> = {}): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(params)) if (value !== undefined && value !== '') search.set(key, String(value))
  return `#/${page}${search.size === 0 ? '' : `?${search.toString()}`}`
}

/** Link of a notification or an entry, a path such as `/accounts/<id>`, as a hash of this page; null for a path that leads nowhere here. */
export function hashOfLink(link: string): string | null {
  const [, page, id = '', part, partId] = link.replace(/^#/, '').split('/')
  switch (page) {
    case 'accounts':
      if (part === 'brief') return hashOf('accounts', { account: id, show: 'brief' })
      if (part === 'changes') return hashOf('accounts', { account: id, change: partId })
      return part === 'people' ? hashOf('accounts', { account: id, person: partId }) : hashOf('accounts', { open: id })
    case 'cases':
      return hashOf('cases', { case: id })
    case 'runs':
      return hashOf('follow-ups', { run: id })
    case 'deliveries':
      return hashOf('operations', { queue: 'deliveries', delivery: id })
    case 'setup':
      return hashOf('set-up')
    default:
      return null
  }
}

/** Where an entry of the timeline came from. */
export function causeHash(entry: { link?: string | undefined }): string | null {
  return entry.link === undefined ? null : hashOfLink(entry.link)
}
