import { z } from 'zod'
import type { DomainEvent } from '../../src/events/index.ts'

/** What a run remembers of the event that started it: enough to decide and to write, nothing more. */
export interface EventFacts {
  type: string
  source: string
  summary: string
  answerId: string | null
  caseId: string | null
  /** The status change. */
  changeId: string | null
  /** Level of the answer, as it travels (`not_happy`). */
  level: string | null
  before: string | null
  after: string | null
  comment: string | null
  /** Words that a CSM wrote with a change of the status. */
  note: string | null
  /** The change is still without its note. */
  noteWanted: boolean
  dueAt: Date | null
  /** Who takes care of the case, if that is somebody else than the account's owner. */
  ownerId: string | null
  /** What came of a case. */
  outcome: string | null
  /** Days of absence, or until a renewal. */
  days: number | null
  /** What a change in the CRM, or a number that was reached, is about; left out where the event says nothing of it. */
  about?: EventDetails
}

/** Members of events about contacts, cards and numbers. */
export interface EventDetails {
  tag?: string
  fieldName?: string
  fieldBefore?: string | null
  fieldAfter?: string | null
  pipelineName?: string
  cycles?: number
  milestone?: number
}

const text = z.string().min(1).nullish().catch(null)
/** A level alone, or an object that has one. */
const levelValue = z.union([z.string(), z.object({ level: z.string().nullable() }).transform((value) => value.level)]).nullish().catch(null)
const data = z.object({ answerId: text, caseId: text, changeId: text, level: text, comment: text, note: text, noteWanted: z.boolean().nullish().catch(null), dueAt: z.coerce.date().nullish().catch(null), ownerUserId: text, outcome: text, days: z.number().nullish().catch(null) })

const few = z.string().min(1).max(300).optional().catch(undefined)
const count = z.number().optional().catch(undefined)
const details = z.object({ tag: few, fieldName: few, pipelineName: few, cycles: count, milestone: count })
const fieldValue = z.union([z.string(), z.number().transform(String)]).nullish().catch(null)

function detailsOf({ type, data: given, before, after }: Pick<DomainEvent, 'data' | 'before' | 'after'> & { type: string }): EventDetails | undefined {
  const said = Object.fromEntries(Object.entries(details.parse(given)).filter(([, value]) => value !== undefined)) as EventDetails
  const isField = type === 'contact.custom_field_changed' || type === 'contact.field_changed'
  const values = isField ? { fieldBefore: fieldValue.parse(before) ?? null, fieldAfter: fieldValue.parse(after) ?? null } : {}
  return Object.keys(said).length === 0 && !isField ? undefined : { ...said, ...values }
}

/** Reads an event by the members that workflows use; missing ones are null. */
export function factsOf(event: Omit<DomainEvent, 'type'> & { type: string }): EventFacts {
  const known = data.parse(event.data)
  const before = levelValue.parse(event.before) ?? null
  const after = levelValue.parse(event.after) ?? null
  const about = detailsOf(event)
  return {
    type: event.type,
    source: event.source,
    summary: event.summary,
    answerId: known.answerId ?? null,
    caseId: known.caseId ?? null,
    changeId: known.changeId ?? null,
    level: known.level ?? after,
    before,
    after,
    comment: known.comment?.trim() || null,
    note: known.note?.trim() || null,
    noteWanted: known.noteWanted ?? false,
    dueAt: known.dueAt ?? null,
    ownerId: known.ownerUserId ?? null,
    outcome: known.outcome ?? null,
    days: known.days ?? null,
    ...(about === undefined ? {} : { about }),
  }
}
