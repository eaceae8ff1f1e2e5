import type { NoticeChannel } from '../http/contract/notice-kinds.ts'
import type { Audience } from './rules.ts'

/** Something that the team should know. */
export interface Notice {
  /** Unique; the same key tells once. */
  key: string
  companyId: string
  locationId: string | null
  /** `owner`: the account's owner, everybody while there is none; `leads`: those who lead the team, and the owner. */
  audience: Audience
  /** Owner of the matter, where it is not the account's owner (a case has its own). */
  ownerId?: string | null
  /** Owner of the account, where the caller has just read it; looked up if left out. */
  accountOwnerId?: string | null
  kind: string
  title: string
  body: string
  /** Path inside the workspace. */
  link: string | null
  /** Suggests an e-mail for kinds that have no default of their own. */
  email: boolean
  /** Further channels that are suggested for such kinds. */
  channels?: readonly NoticeChannel[]
  at: Date
}
