import { noticeChannels, noticeKinds, noticeLabels, type ChannelChoice } from '../http/contract/notice-kinds.ts'
import type { Preference, PreferenceChange, PreferenceList } from '../http/contract/notifications.ts'
import type { Clock } from '../kernel/clock.ts'
import { RequestError } from '../kernel/errors.ts'
import type { Chats } from './chats.ts'
import type { Reader } from './inbox.ts'
import type { Letters } from './letters.ts'
import type { NotificationModels } from './model.ts'
import { agencyChat, chosenFor, isKind } from './rules.ts'
import type { Teams } from './team.ts'
import { nextDigest } from './times.ts'

/** What reaches one person, by kind and channel, and when. */
export interface Preferences {
  of(reader: Reader): Promise<PreferenceList>
  /** @throws RequestError 422 `unknown_kind` */
  set(reader: Reader, change: PreferenceChange): Promise<PreferenceList>
}

export interface PreferencesDeps {
  preferences: NotificationModels['preferences']
  teams: Teams
  chats: Chats
  letters: Letters
  clock: Clock
  mailAvailable: boolean
}

const timingMembers = ['zone', 'quietHours', 'digestAt'] as const

export function createPreferences({ preferences, teams, chats, letters, clock, mailAvailable }: PreferencesDeps): Preferences {
  const idOf = (reader: Reader): string => `${reader.companyId}:${reader.userId}`

  async function of(reader: Reader): Promise<PreferenceList> {
    const { companyId, userId } = reader
    // What somebody looks at is what holds now, also right after they, or an admin, changed it.
    teams.forget(companyId)
    const team = await teams.of(companyId)
    const own = team.choicesOf(userId)
    const timing = team.timingOf(userId)
    const items = noticeKinds.map((kind): Preference => {
      const chosen = noticeChannels.map((channel) => [channel, chosenFor(kind, channel, own.choices[kind], team.settings.notices.kinds, [])] as const)
      return {
        kind, label: noticeLabels[kind], urgent: own.urgent.includes(kind),
        channels: Object.fromEntries(chosen.map(([channel, { rhythm }]) => [channel, rhythm])) as ChannelChoice,
        by: Object.fromEntries(chosen.map(([channel, { by }]) => [channel, by])) as Preference['by'],
      }
    })
    const [chat, shared] = await Promise.all([chats.view(companyId, userId), chats.view(companyId, agencyChat)])
    const now = clock.now()
    return {
      items, emailAvailable: mailAvailable, chat, agencyChat: shared,
      timing: {
        ...timing, own: timingMembers.filter((member) => own.timing[member] !== undefined),
        nextDailyAt: nextDigest('daily', timing, now).at.toISOString(), nextWeeklyAt: nextDigest('weekly', timing, now).at.toISOString(),
      },
    }
  }

  return {
    of,
    async set(reader, change) {
      const unknown = change.items.find((item) => !isKind(item.kind))
      if (unknown !== undefined) {
        throw new RequestError(422, 'unknown_kind', `There is no kind “${unknown.kind}”. Use one of: ${noticeKinds.join(', ')}.`, { details: { fields: [{ field: 'items.kind', problem: 'is not a kind' }] } })
      }
      const set: Record<string, unknown> = { userId: reader.userId }
      const unset: Record<string, ''> = {}
      for (const { kind, channels = {} } of change.items) {
        for (const channel of noticeChannels) {
          const rhythm = channels[channel]
          const path = `choices.${kind}.${channel}`
          // What stands as the product's own default is a choice, too: it stays when the agency changes its mind.
          if (rhythm === null) unset[path] = ''
          else if (rhythm !== undefined) set[path] = rhythm
        }
      }
      for (const member of timingMembers) {
        const value = change[member]
        if (value === null) unset[`timing.${member}`] = ''
        else if (value !== undefined) set[`timing.${member}`] = value
      }
      const marked = change.items.flatMap(({ kind, urgent }) => (urgent === undefined ? [] : [{ kind, urgent }]))
      const scope = { _id: idOf(reader), companyId: reader.companyId }
      await preferences.updateOne(scope, { $set: set, ...(Object.keys(unset).length === 0 ? {} : { $unset: unset }) }, { upsert: true })
      const on = marked.filter(({ urgent }) => urgent).map(({ kind }) => kind)
      const off = marked.filter(({ urgent }) => !urgent).map(({ kind }) => kind)
      if (on.length > 0) await preferences.updateOne(scope, { $addToSet: { urgent: { $each: on } } })
      if (off.length > 0) await preferences.updateOne(scope, { $pull: { urgent: { $in: off } } })
      teams.forget(reader.companyId)
      if (timingMembers.some((member) => change[member] !== undefined)) {
        await letters.retime(reader.companyId, reader.userId, (await teams.of(reader.companyId)).timingOf(reader.userId))
      }
      return of(reader)
    },
  }
}

