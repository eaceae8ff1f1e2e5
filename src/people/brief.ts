import type { Accounts } from '../accounts/index.ts'
import type { Cases } from '../cases/index.ts'
import type { DomainEvent, DomainEventType, Events } from '../events/index.ts'
import type { Account } from '../http/contract/accounts.ts'
import type { AccountPerson, Brief } from '../http/contract/people.ts'
import { dayMs, type Clock } from '../kernel/clock.ts'
import { notFound } from '../kernel/errors.ts'
import { happinessLabels, healthLabels } from '../kernel/levels.ts'
import type { Session } from '../kernel/route.ts'
import type { Settings } from '../settings/index.ts'
import type { AccountContacts } from './contacts.ts'
import type { Hours } from './hours.ts'
import { durationText } from './rules.ts'

type Section = Brief['sections'][number]
type Line = Section['lines'][number]

export interface BriefDeps {
  clock: Clock
  accounts: Pick<Accounts, 'get'>
  cases: Pick<Cases, 'list'>
  events: Pick<Events, 'timeline'>
  settings: Pick<Settings, 'get'>
  contacts: Pick<AccountContacts, 'people'>
  hours: Pick<Hours, 'minutesPerCsm' | 'list'>
}

/** What the next owner of an account needs to know, from stored facts only. */
export interface Briefs {
  /** @throws RequestError 404 */
  brief(session: Session, locationId: string): Promise<Brief>
}

const recentEntries = 15
const maxNotes = 20
const hoursDays = 90
/** Events whose note a person wrote. */
const noted: DomainEventType[] = ['health.changed', 'health.note_added', 'health.confirmed', 'csm.assigned', 'note.added', 'case.closed']

/** Notes may have been written over several lines; here each is one. */
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()

/** How long ago, in whole days. */
export function ageText(at: Date, now: Date): string {
  const days = Math.max(0, Math.floor((now.getTime() - at.getTime()) / dayMs))
  return days === 0 ? 'today' : days === 1 ? 'yesterday' : `${days} days ago`
}

function statusLines(account: Account, reasons: ReadonlyMap<string, string>, now: Date): Line[] {
  const { level, setAt, setBy, note, reasonCodes, confirmedAt, changeId, stale, source } = account.health
  const page = `/accounts/${account.locationId}`
  if (level === null || setAt === null) return [{ text: 'Health Status: nobody has set one yet.', at: null, link: page }]
  const link = changeId === null ? page : `${page}/changes/${changeId}`
  const by = setBy?.name ?? (source === 'field' || source === 'card' ? 'somebody in the CRM' : 'somebody')
  const lines: Line[] = [{ text: `Health Status: ${healthLabels[level]}, set by ${by} ${ageText(new Date(setAt), now)}${stale ? '; it is stale and needs a look' : ''}.`, at: setAt, link }]
  if (note !== null && note !== '') lines.push({ text: `Note: ${oneLine(note)}`, at: setAt, link })
  if (reasonCodes.length > 0) lines.push({ text: `Reasons: ${reasonCodes.map((code) => reasons.get(code) ?? code).join(', ')}.`, at: setAt, link })
  if (confirmedAt !== null) lines.push({ text: `Confirmed as still true ${ageText(new Date(confirmedAt), now)}.`, at: confirmedAt, link })
  return lines
}

function happinessLines(account: Account, now: Date): Line[] {
  const { level, coverage, dissent } = account.happiness
  const link = `/accounts/${account.locationId}`
  const who = `${coverage.answered} of ${coverage.eligible} ${coverage.eligible === 1 ? 'user' : 'users'}`
  const newest = coverage.newestAt === null ? '' : `, newest answer ${ageText(new Date(coverage.newestAt), now)}`
  const lines: Line[] = [
    { text: level === null ? `Happiness Level: no current reading (${who} answered${newest}).` : `Happiness Level: ${happinessLabels[level]} (${who} answered${newest}).`, at: coverage.newestAt, link },
  ]
  if (dissent) lines.push({ text: 'At least one user is Not Happy, although the account as a whole is not.', at: coverage.newestAt, link })
  if (account.disagreement !== null) {
    lines.push({ text: account.disagreement === 'levels_apart' ? 'Health Status and Happiness Level are two or more levels apart.' : 'Happiness fell after the Health Status was last set or confirmed.', at: null, link })
  }
  return lines
}

function personLine(person: AccountPerson, locationId: string): Line {
  const marks = [
    person.primary ? (person.primaryBy === 'person' ? 'primary contact' : 'primary contact by default') : null,
    person.key ? 'key user' : null,
    person.role === 'admin' ? 'admin' : null,
  ].filter((mark) => mark !== null)
  const reach = [person.email, person.phone].filter((part) => part !== null && part !== '')
  return { text: [`${person.name}${marks.length === 0 ? '' : ` (${marks.join(', ')})`}`, ...reach].join(', '), at: person.joinedAt, link: `/accounts/${locationId}/people/${person.userId}` }
}

function linkOfEvent(event: DomainEvent, locationId: string): string {
  const { caseId, changeId, link } = event.data
  if (typeof caseId === 'string') return `/cases/${caseId}`
  if (typeof changeId === 'string') return `/accounts/${locationId}/changes/${changeId}`
  if (event.cause?.kind === 'run') return `/runs/${event.cause.id}`
  return typeof link === 'string' ? link : event.userId === null ? `/accounts/${locationId}` : `/accounts/${locationId}/people/${event.userId}`
}

function noteOf(event: DomainEvent): string | null {
  const { note, text } = event.data
  const written = typeof note === 'string' ? note : typeof text === 'string' ? text : ''
  return oneLine(written) === '' ? null : oneLine(written)
}

/** A line where there would be none. */
const orNone = (lines: Line[], text: string): Line[] => (lines.length > 0 ? lines : [{ text, at: null, link: null }])

export function createBriefs({ clock, accounts, cases, events, settings, contacts, hours }: BriefDeps): Briefs {
  return {
    async brief(session, locationId) {
      const { companyId } = session
      const account = await accounts.get(companyId, locationId)
      if (account === null) throw notFound('account')
      const now = clock.now()
      const hoursFromAt = new Date(now.getTime() - (hoursDays - 1) * dayMs)
      const [rules, people, open, recent, handOvers, notes, sums, entries] = await Promise.all([
        settings.get(companyId),
        contacts.people(companyId, locationId),
        cases.list(session, { state: 'open', locationId, page: 1, pageSize: 50 }),
        events.timeline({ companyId, locationId, page: 1, pageSize: recentEntries }),
        events.timeline({ companyId, locationId, types: ['csm.assigned'], page: 1, pageSize: 10 }),
        events.timeline({ companyId, locationId, types: noted, page: 1, pageSize: 100 }),
        hours.minutesPerCsm(companyId, hoursFromAt, locationId),
        hours.list(companyId, locationId, { from: hoursFromAt.toISOString().slice(0, 10), page: 1, pageSize: 5 }),
      ])
      const page = `/accounts/${locationId}`
      const reasons = new Map(rules.health.reasonCodes.map((reason) => [reason.code, reason.label]))

      const openItems: Line[] = open.items.map((item) => ({
        text: oneLine(`Not Happy case of ${item.userName}${item.owner === null ? ', nobody has it yet' : `, with ${item.owner.name}`}, ${item.overdue ? 'overdue since' : 'due'} ${item.dueAt.slice(0, 16).replace('T', ' ')} UTC${item.comment === null ? '.' : `: ${item.comment}`}`),
        at: item.openedAt, link: `/cases/${item.caseId}`,
      }))
      const { health } = account
      if (health.noteWanted) openItems.push({ text: 'The Health Status was changed in the CRM; its note is still missing.', at: health.setAt, link: health.changeId === null ? page : `${page}/changes/${health.changeId}` })
      if (health.stale) openItems.push({ text: 'The Health Status is stale: set it again or confirm that it is still true.', at: health.staleAt, link: page })

      const noteLines = notes.items.flatMap((event) => {
        const note = noteOf(event)
        return note === null ? [] : [{ text: `${event.actor.name ?? 'Somebody'}: ${note}`, at: event.at.toISOString(), link: linkOfEvent(event, locationId) }]
      })
      const total = sums.reduce((minutes, row) => minutes + row.minutes, 0)
      const hourLines: Line[] = total === 0 ? [] : [
        { text: `${durationText(total)} in the last ${hoursDays} days: ${sums.map((row) => `${row.name} ${durationText(row.minutes)}`).join(', ')}.`, at: null, link: page },
        ...entries.items.map((entry) => ({ text: oneLine(`${entry.on}: ${durationText(entry.minutes)}, ${entry.csm.name}${entry.note === null ? '' : `: ${entry.note}`}`), at: entry.loggedAt, link: page })),
      ]

      const current = account.csm === null ? null : { userId: account.csm.userId, name: account.csm.name }
      return {
        locationId,
        accountName: account.name,
        generatedAt: now.toISOString(),
        csm: current,
        formerCsm: formerOf(handOvers.items, current?.userId ?? null),
        sections: [
          { key: 'status', title: 'Health Status', lines: statusLines(account, reasons, now) },
          { key: 'happiness', title: 'Happiness Level', lines: happinessLines(account, now) },
          { key: 'people', title: 'People', lines: orNone(people.map((person) => personLine(person, locationId)), 'This account has no users.') },
          { key: 'open_items', title: 'Open items', lines: orNone(openItems, 'Nothing is open.') },
          { key: 'recent', title: 'What happened last', lines: orNone(recent.items.map((event) => ({ text: oneLine(event.summary), at: event.at.toISOString(), link: linkOfEvent(event, locationId) })), 'Nothing has happened yet.') },
          { key: 'hours', title: 'Time spent', lines: orNone(hourLines, `No time was logged in the last ${hoursDays} days.`) },
          { key: 'notes', title: 'Notes', lines: orNone(noteLines.slice(0, maxNotes), 'Nobody has written a note yet.') },
        ],
      }
    },
  }
}

/** Who had the account before: the newest owner in its history who is not the present one. */
function formerOf(handOvers: readonly DomainEvent[], currentUserId: string | null): { userId: string; name: string } | null {
  for (const { data } of handOvers) {
    const { formerCsmUserId, formerCsmName } = data
    if (typeof formerCsmUserId === 'string' && formerCsmUserId !== currentUserId) return { userId: formerCsmUserId, name: typeof formerCsmName === 'string' ? formerCsmName : formerCsmUserId }
  }
  return null
}

/** The brief as plain text for printing; times are UTC. @param urlOf turns a path of the workspace into what is printed */
export function briefText(brief: Brief, urlOf: (link: string) => string = (link) => link): string {
  const stamp = (at: string): string => `${at.slice(0, 16).replace('T', ' ')} UTC`
  const head = [
    `Hand-over brief: ${oneLine(brief.accountName)}`,
    `As of ${stamp(brief.generatedAt)}`,
    `Looked after by: ${brief.csm?.name ?? 'nobody'}${brief.formerCsm === null ? '' : `; before: ${brief.formerCsm.name}`}`,
  ]
  const sections = brief.sections.map((section) => {
    const lines = section.lines.map((line) => `- ${line.at === null ? '' : `[${stamp(line.at)}] `}${line.text}${line.link === null ? '' : `\n    ${urlOf(line.link)}`}`)
    return [section.title, '-'.repeat(section.title.length), ...lines].join('\n')
  })
  return `${[head.join('\n'), ...sections].join('\n\n')}\n`
}
