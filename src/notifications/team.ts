import type { AgencySettings } from '../http/contract/settings.ts'
import { secondMs, type Clock } from '../kernel/clock.ts'
import type { Chats } from './chats.ts'
import type { NotificationModels } from './model.ts'
import { agencyChat, noChoices, type Choices, type Member } from './rules.ts'
import type { Timing } from './times.ts'

/** Everything that decides how an agency's people are told. */
export interface Team {
  members: Member[]
  settings: AgencySettings
  choicesOf(userId: string): Choices
  timingOf(recipientId: string): Timing
  /** Who has a chat of their own, and `agency_chat` if the agency has one. */
  chatOwners: ReadonlySet<string>
  watchersOf(locationId: string | null): readonly string[]
}

export interface Teams {
  /** Read at most every two seconds per agency: somebody who joined, left or chose otherwise in another process is noticed then. */
  of(companyId: string): Promise<Team>
  forget(companyId: string): void
}

export interface TeamsDeps {
  models: NotificationModels
  clock: Clock
  chats: Chats
  settings: { get(companyId: string): Promise<AgencySettings> }
  agencyUsers: (companyId: string) => Promise<Member[]>
  /** The success location's zone. */
  agencyZone: (companyId: string) => Promise<string | null>
}

const cacheMs = 2 * secondMs
const maxTeams = 2_000

/** The person's own timing, each member that they did not choose as the agency has it. */
export function timingFor(own: Partial<Timing>, settings: AgencySettings['notices'], agencyZone: string | null): Timing {
  return { zone: own.zone ?? settings.zone ?? agencyZone ?? 'UTC', quietHours: own.quietHours ?? settings.quietHours, digestAt: own.digestAt ?? settings.digestAt }
}

export function createTeams({ models, clock, chats, settings, agencyUsers, agencyZone }: TeamsDeps): Teams {
  const cached = new Map<string, { team: Team; untilMs: number }>()

  async function read(companyId: string): Promise<Team> {
    const [members, chosen, agency, zone, chatOwners, watches] = await Promise.all([
      agencyUsers(companyId),
      models.preferences.find({ companyId }).lean(),
      settings.get(companyId),
      agencyZone(companyId),
      chats.owners(companyId),
      models.watches.find({ companyId }, { locationId: 1, userId: 1 }).lean(),
    ])
    const choices = new Map(chosen.map((record): [string, Choices] => [record.userId, choicesFrom(record)]))
    const watchers = new Map<string, string[]>()
    for (const { locationId, userId } of watches) watchers.set(locationId, [...(watchers.get(locationId) ?? []), userId])
    const choicesOf = (userId: string): Choices => choices.get(userId) ?? noChoices
    return {
      members, settings: agency, chatOwners, choicesOf,
      timingOf: (recipientId) => timingFor(recipientId === agencyChat ? {} : choicesOf(recipientId).timing, agency.notices, zone),
      watchersOf: (locationId) => (locationId === null ? [] : (watchers.get(locationId) ?? [])),
    }
  }

  return {
    async of(companyId) {
      const known = cached.get(companyId)
      if (known !== undefined && known.untilMs > clock.nowMs()) return known.team
      const team = await read(companyId)
      if (cached.size >= maxTeams) cached.clear()
      cached.set(companyId, { team, untilMs: clock.nowMs() + cacheMs })
      return team
    },
    forget: (companyId) => void cached.delete(companyId),
  }
}

/** What an earlier version stored said `inApp: true` and `email` of a kind. */
function choicesFrom({ choices, urgent, timing }: { choices?: Record<string, unknown> | null; urgent?: string[] | null; timing?: Partial<Timing> | null }): Choices {
  const read = Object.entries(choices ?? {}).map(([kind, stored]) => {
    const { inApp, ...choice } = stored as { inApp?: boolean } & Choices['choices'][string]
    return [kind, inApp === undefined ? choice : { in_app: inApp ? ('at_once' as const) : ('off' as const), ...choice }] as const
  })
  return { choices: Object.fromEntries(read), urgent: urgent ?? [], timing: timing ?? {} }
}
