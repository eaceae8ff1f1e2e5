import type { Model } from 'mongoose'
import { noticeChannels, type NoticeChannel } from '../http/contract/notice-kinds.ts'
import { minuteMs, type Clock } from '../kernel/clock.ts'
import type { FaultPoint } from '../kernel/fault-point.ts'
import { hashOf } from '../kernel/ids.ts'
import { isDuplicateKey } from '../store/index.ts'
import type { Inbox } from './inbox.ts'
import type { Letters, Wanted } from './letters.ts'
import type { NoticeRecord, RecipientDecision } from './model.ts'
import type { Notice } from './notice.ts'
import { agencyChat, decide, isKind, recipientsOf, sharedRecipient, type Decision, type Member } from './rules.ts'
import type { Team, Teams } from './team.ts'

/** Tells facts: decides once for everybody, then puts the fact into inboxes and letters as decided. */
export interface Telling {
  tell(notice: Notice): Promise<void>
  byKeys(companyId: string, keys: readonly string[]): Promise<NoticeRecord[]>
  newest(companyId: string, query: TraceQuery & { page: number; pageSize: number }): Promise<NoticeRecord[]>
  count(companyId: string, query: TraceQuery): Promise<number>
}

interface TraceQuery {
  kind?: string | undefined
  locationId?: string | undefined
}

export interface TellingDeps {
  notices: Model<NoticeRecord>
  inbox: Inbox
  letters: Letters
  teams: Teams
  clock: Clock
  faultPoint: FaultPoint
  mailAvailable: boolean
  accountOwner: (companyId: string, locationId: string) => Promise<string | null>
}

const off = (by: Decision['by']): Decision => ({ rhythm: 'off', by, obstacle: null })

export function createTelling({ notices, inbox, letters, teams, clock, faultPoint, mailAvailable, accountOwner }: TellingDeps): Telling {
  const idOf = (companyId: string, key: string): string => hashOf('notice', companyId, key).slice(0, 32)

  async function recipients(notice: Notice, team: Team): Promise<Member[]> {
    const { companyId, locationId, audience, ownerId = null } = notice
    const isOnTeam = (id: string | null): boolean => id !== null && team.members.some((member) => member.userId === id)
    const asksAccount = audience !== 'everyone' && !isOnTeam(ownerId) && locationId !== null
    const accountOwnerId = !asksAccount ? null : notice.accountOwnerId !== undefined ? notice.accountOwnerId : await accountOwner(companyId, locationId)
    return recipientsOf(audience, [ownerId, accountOwnerId], team.members, team.settings.cases.leadUserIds, team.watchersOf(locationId))
  }

  /** What is decided for each recipient, the letters still open. */
  function decisions(notice: Notice, members: readonly Member[], team: Team): Map<string, Record<NoticeChannel, Decision>> {
    const { kind, locationId } = notice
    const suggested: readonly NoticeChannel[] = [...(notice.channels ?? []), ...(notice.email ? (['email'] as const) : [])]
    const { kinds, agencyChat: shared } = team.settings.notices
    const decided = new Map<string, Record<NoticeChannel, Decision>>()
    for (const { userId, email } of members) {
      const reach = { mailServer: mailAvailable, address: (email ?? '') !== '', chat: team.chatOwners.has(userId), account: locationId !== null }
      decided.set(userId, decide(kind, team.choicesOf(userId).choices[kind], kinds, suggested, reach))
    }
    if (members.length === 0) {
      const unknown = decide(kind, { in_app: 'at_once', email: 'off', task: 'off', chat: 'off' }, kinds, suggested, { mailServer: false, address: false, chat: false, account: false })
      decided.set(sharedRecipient, unknown)
    }
    const rhythm = isKind(kind) ? shared[kind] : suggested.includes('chat') ? 'at_once' : 'off'
    if (team.chatOwners.has(agencyChat) && rhythm !== 'off') {
      decided.set(agencyChat, { in_app: off('agency'), email: off('agency'), task: off('agency'), chat: { rhythm, by: 'agency', obstacle: null } })
    }
    return decided
  }

  async function recordOf(notice: Notice, team: Team): Promise<{ record: NoticeRecord; fresh: Set<string> }> {
    const { key, companyId, locationId, kind, audience, title, body, link, at } = notice
    const decided = decisions(notice, await recipients(notice, team), team)
    const shown = [...decided].filter(([, channels]) => channels.in_app.rhythm !== 'off').map(([recipientId]) => recipientId)
    const wanted: Wanted[] = []
    for (const [recipientId, channels] of decided) {
      const urgent = team.choicesOf(recipientId).urgent.includes(kind)
      for (const channel of noticeChannels) {
        const decision = channels[channel]
        if (channel !== 'in_app' && decision.rhythm !== 'off' && decision.obstacle === null) wanted.push({ recipientId, channel, decision, urgent, timing: team.timingOf(recipientId) })
      }
    }
    const [lines, planned] = await Promise.all([inbox.linesFor(notice, shown), letters.plan(notice, wanted, team.settings.notices.gatherMinutes * minuteMs)])
    const to: Record<string, RecipientDecision> = {}
    for (const [recipientId, channels] of decided) {
      const mine = wanted.flatMap((one, at) => (one.recipientId === recipientId && planned[at] !== undefined ? [[one.channel, planned[at]] as const] : []))
      to[recipientId] = { channels, lineId: lines.get(recipientId)?.id ?? null, letters: Object.fromEntries(mine) }
    }
    const fresh = new Set([...lines.values()].filter(({ isNew }) => isNew).map(({ id }) => id))
    return { fresh, record: { _id: idOf(companyId, key), companyId, key, locationId, kind, audience, title, body, link, at, toldAt: clock.now(), recipientIds: [...decided.keys()], to } }
  }

  const filterOf = (companyId: string, { kind, locationId }: TraceQuery) => ({ companyId, ...(locationId === undefined ? {} : { locationId }), ...(kind === undefined ? {} : { kind }) })

  return {
    async tell(notice) {
      const { companyId } = notice
      const team = await teams.of(companyId)
      const { record, fresh } = await recordOf(notice, team)
      let decided = record
      let first = true
      try {
        await notices.create([record])
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
        // It was decided before, perhaps by somebody who crashed: what was decided then is done.
        const known = await notices.findOne({ _id: record._id, companyId }).lean<NoticeRecord>()
        if (known === null) throw error
        decided = known
        first = false
      }
      faultPoint('notices.stored')
      await inbox.put(decided, first ? fresh : null)
      await letters.post(decided, (recipientId) => team.timingOf(recipientId), team.settings.notices.gatherMinutes * minuteMs)
    },

    async byKeys(companyId, keys) {
      const found = await notices.find({ _id: { $in: keys.map((key) => idOf(companyId, key)) }, companyId }).lean<NoticeRecord[]>()
      return found.sort((a, b) => b.at.getTime() - a.at.getTime())
    },
    newest: (companyId, query) =>
      notices.find(filterOf(companyId, query)).sort({ toldAt: -1, _id: 1 }).skip((query.page - 1) * query.pageSize).limit(query.pageSize).lean<NoticeRecord[]>(),
    count: (companyId, query) => notices.countDocuments(filterOf(companyId, query)),
  }
}
