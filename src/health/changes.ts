import type { AccountStatus } from '../accounts/index.ts'
import type { DomainEvent } from '../events/index.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import { dayMs } from '../kernel/clock.ts'
import { healthLabels, healthLevels, type HealthLevel } from '../kernel/levels.ts'
import type { HealthRecord, NoteRecord } from './model.ts'
import { compact, foldHealth, withFact, type Change, type Confirmation, type HealthFact, type HealthFold, type Refusal } from './rules.ts'

/** What is to be added to an account's record. */
export interface Addition {
  facts?: readonly HealthFact[]
  notes?: readonly NoteRecord[]
  /** The status turned stale at this instant, and that is to be told. */
  staleAt?: Date
  /** The account left: nobody is told. */
  silent?: boolean
  /** Contacts and the card are to be wanted again, whether or not the status changes. */
  again?: boolean
}

/** A change with what the record knows beyond its fact. */
export interface KnownChange extends Change {
  changeId: string
  overtaken: boolean
  noteWanted: boolean
}

const keptNotes = 50
const keptOvertaken = 50

/** Whether a person made it in HighLevel, where there is no room for a note. */
export function madeInCrm(source: Change['source']): boolean {
  return source === 'field' || source === 'card'
}

function changeIdOf(record: Pick<HealthRecord, 'ids'>, key: string): string {
  return record.ids.find((known) => known.key === key)?.changeId ?? key
}

/** A change whose id went over to one with a truer time may come back as another one, when what lay between them comes to light. */
function freeId(wanted: string, key: string, taken: ReadonlySet<string>): string {
  let free = wanted
  for (let count = 2; taken.has(free); count += 1) free = `${key}_${count}`
  return free
}

/** The changes that the record still has the facts of, oldest first, with the current one. */
export function knownChanges(record: Pick<HealthRecord, 'ids' | 'overtaken' | 'notes'>, fold: HealthFold): KnownChange[] {
  const listed = fold.current === null || fold.changes.some((change) => change.key === fold.current?.key) ? fold.changes : [fold.current, ...fold.changes]
  const known = listed.map((change): KnownChange => {
    const changeId = changeIdOf(record, change.key)
    const given = record.notes.find((note) => note.changeId === changeId)
    const answered = given !== undefined || change.confirmations.some((confirmation) => confirmation.note !== null)
    return {
      ...change,
      changeId,
      note: given?.note ?? change.note,
      reasonCodes: given?.reasonCodes ?? change.reasonCodes,
      overtaken: record.overtaken.includes(changeId),
      noteWanted: madeInCrm(change.source) && !answered,
    }
  })
  const newestAnswered = known.reduce((newest, change, index) => (change.noteWanted || change.overtaken ? newest : index), -1)
  return known.map((change, index) => ({ ...change, noteWanted: change.noteWanted && !change.overtaken && index > newestAnswered }))
}

function setByOf({ id, name }: Change['actor']): AccountStatus['setBy'] {
  return id === null && name === null ? null : { userId: id, name }
}

/** The status as lists keep it. */
export function statusOf(changes: readonly KnownChange[], fold: HealthFold, settings: AgencySettings['health']): AccountStatus | null {
  const current = changes.find((change) => change.key === fold.current?.key)
  if (current === undefined) return null
  const { level, at: setAt, actor, source, changeId, confirmations, restores = null } = current
  const confirmedAt = confirmations.at(-1)?.at ?? null
  const note = restores?.note ?? current.note
  const reasonCodes = restores?.reasonCodes ?? current.reasonCodes
  const noted = note === null ? confirmations.findLast((confirmation) => confirmation.note !== null) : undefined
  const keptAt = confirmedAt !== null && confirmedAt > setAt ? confirmedAt : setAt
  return {
    level,
    setAt,
    setBy: setByOf(actor),
    source,
    note: noted?.note ?? note,
    reasonCodes: noted !== undefined && noted.reasonCodes.length > 0 ? noted.reasonCodes : reasonCodes,
    restored: restores === null ? null : { setAt: restores.at, setBy: setByOf(restores.actor), source: restores.source },
    confirmedAt,
    staleAt: new Date(keptAt.getTime() + settings.staleDays[level] * dayMs),
    changeId,
    noteWanted: current.noteWanted,
  }
}

/** What stays the same about the status, in a form that can be compared. */
function printOf(value: unknown): string {
  return JSON.stringify(value)
}

interface Advanced {
  next: HealthRecord
  /** Something is to be given out. */
  wanted: boolean
  events: (accountName: string) => DomainEvent[]
}

/** The record without the facts that are old enough. What is not given out yet is kept whole. */
function compacted(record: HealthRecord, now: Date): HealthRecord {
  const kept = record.appliedVersion === record.wantedVersion ? compact(record.facts, record.base, now) : null
  return kept === null ? record : { ...record, ...kept }
}

/**
 * The record with an addition, and what that means for everybody else.
 * @returns null if nothing is new
 */
export function advance(stored: HealthRecord, addition: Addition, settings: AgencySettings['health'], now: Date): Advanced | null {
  const before = compacted(stored, now)
  const facts = (addition.facts ?? []).reduce(withFact, before.facts)
  const next: HealthRecord = { ...before, facts: [...facts], notes: [...before.notes, ...(addition.notes ?? [])] }
  const foldBefore = foldHealth(before.facts, before.base)
  const fold = foldHealth(facts, before.base)
  const oldChanges = knownChanges(before, foldBefore)

  // A change that is known by a truer time now keeps its id; one that came to light late, or vanished, never was the status.
  // The base's change is settled: it is only not the current one any more.
  const settled = before.base?.change?.key
  const vanished = oldChanges.filter((change) => change.key !== settled && !fold.changes.some((other) => other.key === change.key) && fold.current?.key !== change.key)
  const overtaken = new Set(before.overtaken)
  const taken = new Set(oldChanges.filter((change) => !vanished.includes(change)).map((change) => change.changeId))
  for (const change of fold.changes) {
    if (oldChanges.some((other) => other.key === change.key)) continue
    const former = vanished.findIndex((other) => other.target !== null && other.target === change.target && other.level === change.level)
    const [same] = former < 0 ? [] : vanished.splice(former, 1)
    const changeId = freeId(same?.changeId ?? changeIdOf(next, change.key), change.key, taken)
    taken.add(changeId)
    if (changeId !== changeIdOf(next, change.key)) next.ids = [...next.ids.filter((known) => known.key !== change.key), { key: change.key, changeId }]
    if (same === undefined && change.key !== fold.current?.key) overtaken.add(changeId)
  }
  for (const change of vanished) overtaken.add(change.changeId)
  if (fold.current !== null) overtaken.delete(changeIdOf(next, fold.current.key))
  next.overtaken = [...overtaken].slice(-keptOvertaken)

  const changes = knownChanges(next, fold)
  next.status = statusOf(changes, fold, settings)
  next.level = next.status?.level ?? null
  next.staleDays = next.level === null ? null : settings.staleDays[next.level]
  if (addition.staleAt !== undefined) next.staleToldAt = addition.staleAt
  const staleAt = next.status?.staleAt ?? null
  next.nextStaleAt = staleAt === null || staleAt.getTime() === next.staleToldAt?.getTime() ? null : staleAt

  const prints = new Map(oldChanges.map((change) => [change.changeId, printOf(change)]))
  const touched = changes.filter((change) => prints.get(change.changeId) !== printOf(change)).map((change) => change.changeId)
  const noted = (addition.notes ?? []).map((note) => note.changeId)
  const news = [...touched, ...vanished.map((change) => change.changeId), ...noted]
  const refused = fold.refused.filter((refusal) => refusal.newest && !foldBefore.refused.some((known) => known.key === refusal.key))
  const confirmed = changes.flatMap((change) => {
    const known = new Set(oldChanges.flatMap((other) => other.confirmations.map((confirmation) => confirmation.key)))
    return change.confirmations.filter((confirmation) => !known.has(confirmation.key)).map((confirmation) => ({ change, confirmation }))
  })
  // Whatever a person's edit left behind is put right, also where it changed nothing.
  const astray = next.level !== null && (addition.facts ?? []).some((fact) => fact.kind === 'seen' && fact.shown !== next.level)
  const wanted = addition.again === true || addition.staleAt !== undefined || astray || news.length > 0 || printOf(before.status) !== printOf(next.status)
  if (!wanted && facts === before.facts) return null

  next.version = before.version + 1
  next.updatedAt = now
  if (wanted) {
    next.wantedVersion = before.wantedVersion + 1
    next.unappliedSince = before.unappliedSince ?? now
    next.touched = [...new Set([...before.touched, ...news])]
  }
  const inUse = new Set(changes.map((change) => change.changeId))
  next.ids = next.ids.filter((known) => inUse.has(known.changeId))
  next.notes = next.notes.filter((note) => inUse.has(note.changeId) || next.touched.includes(note.changeId)).slice(-keptNotes)

  return {
    next,
    wanted,
    events: (accountName) => [
      ...changeEvents(before, next, changes, settings, accountName),
      ...confirmed.map(({ change, confirmation }) => confirmEvent(next, change, confirmation, accountName)),
      ...(addition.notes ?? []).map((note) => noteEvent(next, note, settings, accountName)),
      ...refused.map((refusal) => refusedEvent(next, refusal, accountName)),
      ...(addition.staleAt === undefined || addition.silent === true ? [] : staleEvent(next, addition.staleAt, accountName)),
    ],
  }
}

const system = { kind: 'system' as const, id: null, name: null }

function baseOf({ companyId, locationId }: HealthRecord) {
  return { companyId, locationId, userId: null }
}

function labelsOf(codes: readonly string[], settings: AgencySettings['health']): string[] {
  return codes.map((code) => settings.reasonCodes.find((reason) => reason.code === code)?.label ?? code)
}

function sentence(change: KnownChange, before: HealthLevel | null): string {
  const way = before === null ? healthLabels[change.level] : `${healthLabels[before]} to ${healthLabels[change.level]}`
  const who = change.actor.name ?? 'Somebody'
  switch (change.source) {
    case 'field':
      return `Somebody changed the field Health Status in the CRM: ${way}.`
    case 'card':
      return `Somebody moved the account's card in the CRM: ${way}.`
    case 'undo':
      return `${who} took the last change of Health Status back: ${way}.`
    case 'bulk':
      return `${who} changed Health Status of several accounts together: ${way}.`
    case 'page':
    case 'api':
      return before === null ? `${who} set Health Status to ${way}.` : `${who} changed Health Status: ${way}.`
  }
}

function changeEvents(before: HealthRecord, after: HealthRecord, changes: readonly KnownChange[], settings: AgencySettings['health'], accountName: string): DomainEvent[] {
  const current = changes.find((change) => change.changeId === after.status?.changeId)
  if (current === undefined || before.level === after.level) return []
  const { changeId, at, level, actor, source, note, reasonCodes, undoes, noteWanted, deliveryId } = current
  const steps = before.level === null ? null : healthLevels.indexOf(level) - healthLevels.indexOf(before.level)
  return [
    {
      ...baseOf(after), type: 'health.changed', at, actor, source,
      key: `health.changed:${after._id}:${after.version}`,
      summary: sentence(current, before.level),
      before: before.level,
      after: level,
      cause: { kind: 'change', id: changeId },
      data: {
        accountName, changeId, note, reasonCodes, reasons: labelsOf(reasonCodes, settings), noteWanted, undoes, deliveryId, steps,
        before: before.level, after: level,
        beforeLabel: before.level === null ? null : healthLabels[before.level], afterLabel: healthLabels[level],
        byName: actor.name,
      },
    },
  ]
}

function confirmEvent(record: HealthRecord, change: KnownChange, { key, at, source, actor, note, reasonCodes }: Confirmation, accountName: string): DomainEvent {
  return {
    ...baseOf(record), type: 'health.confirmed', at, actor, source,
    key: `health.confirmed:${record._id}:${key}`,
    summary: `${actor.name ?? 'Somebody'} said that ${healthLabels[change.level]} is still true.`,
    cause: { kind: 'change', id: change.changeId },
    data: { accountName, changeId: change.changeId, level: change.level, levelLabel: healthLabels[change.level], note, reasonCodes },
  }
}

function noteEvent(record: HealthRecord, { changeId, at, actor, note, reasonCodes }: NoteRecord, settings: AgencySettings['health'], accountName: string): DomainEvent {
  return {
    ...baseOf(record), type: 'health.note_added', at, actor, source: 'page',
    key: `health.note_added:${changeId}`,
    summary: `${actor.name ?? 'Somebody'} gave the note for a change made in the CRM.`,
    cause: { kind: 'change', id: changeId },
    data: { accountName, changeId, note, reasonCodes, reasons: labelsOf(reasonCodes, settings) },
  }
}

function refusedEvent(record: HealthRecord, refusal: Refusal, accountName: string): DomainEvent {
  const level = record.level ?? 'steady'
  const label = healthLabels[level]
  const seen = refusal.shown === '' ? null : refusal.shown.slice('text:'.length)
  const what =
    refusal.via === 'card'
      ? 'Somebody moved the account\'s card in the CRM to a stage that is no Health Status'
      : seen === null
        ? 'Somebody emptied the field Health Status in the CRM'
        : `Somebody wrote "${seen.slice(0, 60)}" into the field Health Status in the CRM, which is none of its levels`
  const [kind, , userId] = refusal.subjectId.split(':')
  return {
    ...baseOf(record), type: 'health.value_refused', at: refusal.at, actor: { kind: 'crm', id: null, name: null }, source: refusal.via,
    userId: kind === 'user' && userId !== undefined ? userId : null,
    key: `health.value_refused:${record._id}:${refusal.key}`,
    summary: `${what}. ${label} was put back.`,
    before: seen,
    after: level,
    data: { accountName, changeId: record.status?.changeId ?? null, seen, level, levelLabel: label, target: refusal.target },
  }
}

function staleEvent(record: HealthRecord, staleAt: Date, accountName: string): DomainEvent[] {
  if (record.status === null) return []
  const { level, changeId } = record.status
  const days = record.staleDays ?? 0
  return [
    {
      ...baseOf(record), type: 'health.stale', at: staleAt, actor: system, source: 'schedule',
      key: `health.stale:${record._id}:${staleAt.getTime()}`,
      summary: `${healthLabels[level]} was neither changed nor confirmed for ${days} ${days === 1 ? 'day' : 'days'}. Is it still true?`,
      cause: { kind: 'change', id: changeId },
      data: { accountName, changeId, level, levelLabel: healthLabels[level], days },
    },
  ]
}
