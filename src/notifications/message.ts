import type { NoticeRecord } from './model.ts'
import { shownTime } from './times.ts'

/** What leaves, before it has the form of its channel. */
export interface Message {
  subject: string
  /** One sentence above the sections; '' for none. */
  lead: string
  sections: { title: string; lines: { text: string; detail: string }[] }[]
  /** What was left out, and where it is; '' for nothing. */
  more: string
}

/** A reading of one account a week ago and now, as words. */
export interface Difference {
  what: string
  before: string
  after: string
}

/** One account in the weekly digest. */
export interface WeeklyAccount {
  name: string
  differences: readonly Difference[]
  /** What is so now and was not a week ago, newest of each kind. */
  news: readonly Pick<NoticeRecord, 'title' | 'body'>[]
}

const mostLines = 60

type Told = Pick<NoticeRecord, 'title' | 'body' | 'locationId' | 'at'>

const oneOrMany = (count: number, one: string, many: string): string => (count === 1 ? `1 ${one}` : `${count} ${many}`)

/** One account's burst. A single fact is said by its own words. */
export function burstMessage(notices: readonly Told[], accountName: string | null): Message {
  const sorted = [...notices].sort((a, b) => a.at.getTime() - b.at.getTime())
  const [only] = sorted
  if (sorted.length === 1 && only !== undefined) return { subject: only.title, lead: '', sections: [{ title: '', lines: [{ text: only.title, detail: only.body }] }], more: '' }
  const about = accountName ?? 'Your agency'
  return { subject: `${about}: ${sorted.length} things happened`, lead: '', ...listed([{ title: about, notices: sorted }]) }
}

/** A day's digest: everything that was to wait for it, by account. */
export function dailyMessage(notices: readonly Told[], nameOf: (locationId: string) => string, at: Date, zone: string): Message {
  const byAccount = new Map<string | null, Told[]>()
  for (const notice of notices) byAccount.set(notice.locationId, [...(byAccount.get(notice.locationId) ?? []), notice])
  const groups = [...byAccount]
    .map(([locationId, told]) => ({ title: locationId === null ? 'Your agency' : nameOf(locationId), notices: [...told].sort((a, b) => a.at.getTime() - b.at.getTime()) }))
    .sort((a, b) => a.title.localeCompare(b.title))
  const accounts = oneOrMany(groups.length, 'account', 'accounts')
  return {
    subject: `Your day: ${oneOrMany(notices.length, 'thing', 'things')} in ${accounts}`,
    lead: `What happened until ${shownTime(at, zone)}, by account.`,
    ...listed(groups),
  }
}

/** What is different from a week ago; null if nothing is. */
export function weeklyMessage(accounts: readonly WeeklyAccount[], from: Date, to: Date, zone: string): Message | null {
  const changed = accounts.filter(({ differences, news }) => differences.length + news.length > 0).toSorted((a, b) => a.name.localeCompare(b.name))
  if (changed.length === 0) return null
  let left = mostLines
  const sections = changed.slice(0, mostLines).flatMap(({ name, differences, news }) => {
    const lines = [
      ...differences.map(({ what, before, after }) => ({ text: `${what}: ${before} → ${after}`, detail: '' })),
      ...news.map(({ title, body }) => ({ text: title, detail: body })),
    ].slice(0, Math.max(0, left))
    left -= lines.length
    return lines.length === 0 ? [] : [{ title: name, lines }]
  })
  return {
    subject: `Your week: ${oneOrMany(changed.length, 'account', 'accounts')} changed`,
    lead: `Only what is different from a week ago: ${shownTime(from, zone)} compared with ${shownTime(to, zone)}.`,
    sections,
    more: sections.length < changed.length ? `${oneOrMany(changed.length - sections.length, 'more account', 'more accounts')} changed. All of them are in the workspace.` : '',
  }
}

function listed(groups: readonly { title: string; notices: readonly Told[] }[]): Pick<Message, 'sections' | 'more'> {
  let left = mostLines
  let cut = 0
  const sections = groups.flatMap(({ title, notices }) => {
    const shown = notices.slice(0, Math.max(0, left))
    left -= shown.length
    cut += notices.length - shown.length
    return shown.length === 0 ? [] : [{ title, lines: shown.map((notice) => ({ text: notice.title, detail: notice.body })) }]
  })
  return { sections, more: cut === 0 ? '' : `${oneOrMany(cut, 'more line is', 'more lines are')} in the workspace.` }
}
