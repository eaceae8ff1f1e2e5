/**
 * What people change on a contact besides what the product itself keeps there: every custom field, do-not-disturb, and the order in which states count.
 * HighLevel sends whole states without old values, so changes are differences between states. Pure.
 *
 * The rule for late and reordered news: a state that is older than the newest one known is passed over; every other one is told as its difference from that.
 * So what is told always leads from the first state to the newest, each difference once; a change that was undone before anybody heard of it is not told.
 */
import { dayMs } from '../kernel/clock.ts'
import { hashOf } from '../kernel/ids.ts'
import { skewMs } from './observation.ts'
import type { PersonEdit } from './types.ts'

/** The newest state of a contact that was seen. */
export interface SeenContact {
  /** HighLevel's time of that state; of a read, or after a write of ours, our own. */
  at: Date
  /** `at` is by our clock, which may differ from HighLevel's. */
  ourClock: boolean
  /** First sight. With `changes` it names a change, so that whoever tells it tells it under one key. */
  since: Date
  changes: number
  /** Custom fields that have a value, our own six left out, by id. */
  fields: { id: string; value: string }[]
  /** There were more than are kept: a field that is not among them may have had any value. */
  full: boolean
  /** Do-not-disturb: `all`, or single channels in lower case. */
  dnd: string[]
}

/** A write of ours that is under way or not recorded: its echo is nobody's edit. */
export interface ExpectedWrite {
  kind: 'tag' | 'untag' | 'field'
  /** The tag, or the field's id. */
  id: string
  /** Of a field, as compared. */
  value: string | null
  at: Date
}

/** What a state shows, as far as it shows it. */
export interface ShownContact {
  customFields?: readonly { id: string; value: unknown }[] | undefined
  dnd?: boolean | undefined
  dndSettings?: Readonly<Record<string, { status?: string | null | undefined } | null | undefined>> | undefined
}

/** How a state stands to the newest one known. `unclear`: clocks cannot tell; only reading the contact does. */
export type StateOrder = 'first' | 'newer' | 'unclear' | 'stale'

const maxFields = 200
const maxValueLength = 160
const keptLength = 120
/** A write of which nobody heard the end is not waited for any longer. */
const expectedForMs = dayMs

export function orderOf(seen: SeenContact | null | undefined, at: Date, isRead: boolean): StateOrder {
  if (seen === null || seen === undefined) return 'first'
  if (isRead) return 'newer'
  const aheadMs = at.getTime() - seen.at.getTime()
  const doubtMs = seen.ourClock ? skewMs : 0
  if (Math.abs(aheadMs) <= doubtMs) return 'unclear'
  return aheadMs > 0 ? 'newer' : 'stale'
}

/** Any value in the form in which it is kept and compared: lists joined, long texts by their beginning and a hash; '' is nothing. */
export function compactValue(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return shortened(value.map((item) => textOf(item)).filter((item) => item !== '').join(', '))
  return shortened(textOf(value))
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value.trim()
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  return JSON.stringify(value)
}

function shortened(text: string): string {
  return text.length <= maxValueLength ? text : `${text.slice(0, keptLength)}… #${hashOf(text).slice(0, 12)}`
}

/** HighLevel shows one date now as an instant, now as milliseconds. */
function isSame(left: string, right: string): boolean {
  if (left === right) return true
  const days = [left, right].map((text) => (/^\d{4}-\d\d-\d\d/.test(text) || /^\d{12,13}$/.test(text) ? new Date(/^\d+$/.test(text) ? Number(text) : text) : null))
  const [first, second] = days
  if (first === null || second === null || first === undefined || second === undefined || /^\d+$/.test(left) === /^\d+$/.test(right)) return false
  return !Number.isNaN(first.getTime()) && !Number.isNaN(second.getTime()) && first.toISOString().slice(0, 10) === second.toISOString().slice(0, 10)
}

/** The state as a first sight: nothing is told of it. @param ownFields ids of the product's own fields */
export function firstSeen(shown: ShownContact, ownFields: ReadonlySet<string>, at: Date, ourClock: boolean): SeenContact {
  const fields = fieldsIn(shown, ownFields)
  return { at, ourClock, since: at, changes: 0, fields: fields.slice(0, maxFields), full: fields.length > maxFields, dnd: dndIn(shown, []) }
}

function fieldsIn({ customFields = [] }: ShownContact, ownFields: ReadonlySet<string>): SeenContact['fields'] {
  const byId = new Map<string, string>()
  for (const { id, value } of customFields) {
    const text = compactValue(value)
    if (text !== '' && !ownFields.has(id)) byId.set(id, text)
  }
  return [...byId].map(([id, value]) => ({ id, value })).sort((left, right) => (left.id < right.id ? -1 : 1))
}

function dndIn({ dnd, dndSettings }: ShownContact, known: readonly string[]): string[] {
  const all = dnd === undefined ? known.includes('all') : dnd
  const channels = dndSettings === undefined
    ? known.filter((channel) => channel !== 'all')
    : Object.entries(dndSettings).flatMap(([channel, setting]) => (setting?.status === 'active' || setting?.status === 'permanent' ? [channel.toLowerCase()] : []))
  return [...(all ? ['all'] : []), ...new Set(channels)].sort()
}

/** What differs between the newest state known and another one. */
export interface SeenDifference {
  fields: { id: string; before: string; after: string }[]
  dndOn: string[]
  dndOff: string[]
  /** The state to keep, with the counter still as it was. */
  next: Pick<SeenContact, 'fields' | 'full' | 'dnd'>
}

export function differenceFrom(seen: SeenContact, shown: ShownContact, ownFields: ReadonlySet<string>): SeenDifference {
  const dnd = dndIn(shown, seen.dnd)
  const difference: SeenDifference = {
    fields: [], dndOn: dnd.filter((channel) => !seen.dnd.includes(channel)), dndOff: seen.dnd.filter((channel) => !dnd.includes(channel)),
    next: { fields: seen.fields, full: seen.full, dnd },
  }
  if (shown.customFields === undefined) return difference
  const before = new Map(seen.fields.filter(({ id }) => !ownFields.has(id)).map(({ id, value }) => [id, value]))
  const now = fieldsIn(shown, ownFields)
  const kept = now.filter(({ id }) => before.has(id))
  const fresh = now.filter(({ id }) => !before.has(id))
  for (const { id, value } of kept) {
    const old = before.get(id) ?? ''
    if (!isSame(old, value)) difference.fields.push({ id, before: old, after: value })
    before.delete(id)
  }
  for (const [id, value] of before) difference.fields.push({ id, before: value, after: '' })
  const taken = fresh.slice(0, Math.max(0, maxFields - kept.length))
  if (!seen.full) for (const { id, value } of taken) difference.fields.push({ id, before: '', after: value })
  difference.next.fields = [...kept, ...taken].sort((left, right) => (left.id < right.id ? -1 : 1))
  difference.next.full = taken.length < fresh.length
  return difference
}

export function isNothing({ fields, dndOn, dndOff }: SeenDifference): boolean {
  return fields.length + dndOn.length + dndOff.length === 0
}

/** Splits off what writes of ours explain. @returns the rest, and the expectations that are still open */
export function withoutOwn<T>(items: readonly T[], expected: readonly ExpectedWrite[], explains: (item: T, write: ExpectedWrite) => boolean): { rest: T[]; open: ExpectedWrite[] } {
  let open = [...expected]
  const rest = items.filter((item) => {
    const found = open.find((write) => explains(item, write))
    if (found !== undefined) open = open.filter((write) => write !== found)
    return found === undefined
  })
  return { rest, open }
}

export function isField({ id, after }: { id: string; after: string }, write: ExpectedWrite): boolean {
  return write.kind === 'field' && write.id === id && isSame(write.value ?? '', after)
}

/** Expectations that may still come true. */
export function stillExpected(expected: readonly ExpectedWrite[] | undefined, now: Date): ExpectedWrite[] {
  return (expected ?? []).filter(({ at }) => now.getTime() - at.getTime() < expectedForMs)
}

/** What makes the key of a change: the state that it departs from. */
export function stampOf(seen: SeenContact | null | undefined, at: Date): string {
  return seen === null || seen === undefined ? at.toISOString() : `${seen.since.getTime()}.${seen.changes}`
}

/** The edits of a difference, in the order in which they are told. */
export function editsOf({ fields, dndOn, dndOff }: Pick<SeenDifference, 'fields' | 'dndOn' | 'dndOff'>, about: { contactId: string; subjectId: string; stamp: string }): PersonEdit[] {
  const edits: PersonEdit[] = fields.map(({ id, before, after }) => ({ kind: 'custom_field', ...about, fieldId: id, before: before === '' ? null : before, after: after === '' ? null : after }))
  if (dndOn.length > 0) edits.push({ kind: 'opted_out', ...about, channels: dndOn })
  if (dndOff.length > 0) edits.push({ kind: 'opted_in', ...about, channels: dndOff })
  return edits
}
