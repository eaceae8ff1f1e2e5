import type { Clock } from '../kernel/clock.ts'
import { mayHaveArrived } from './readiness.ts'
import type { ContactRecord } from './records.ts'
import { normaliseTags } from './values.ts'
import { compactValue, stillExpected, type ExpectedWrite } from './watched-rules.ts'
import type { WantedStore } from './wanted-store.ts'

/** What a step of a workflow writes on a contact. */
export interface OwnWrite {
  addTags?: readonly string[]
  removeTags?: readonly string[]
  fields?: readonly { id: string; value: string | number }[]
}

/**
 * Writes of steps on contacts, told apart from people's edits by value: what is about to be written is noted before, and known after,
 * so that its echo shows nothing new, whenever it comes.
 */
export interface OwnWrites {
  /** Runs the write with its values noted. A write that may have arrived though it failed stays noted: its echo is still ours. */
  around<T>(recordKey: string, write: OwnWrite, run: () => Promise<T>): Promise<T>
}

export function createOwnWrites(store: Pick<WantedStore<ContactRecord>, 'mutate'>, clock: Clock): OwnWrites {
  return {
    async around(recordKey, write, run) {
      const expected = expectationsOf(write, clock.now())
      await store.mutate(recordKey, (record) => ({ expected: [...stillExpected(record.expected, clock.now()).filter((old) => !expected.some((now) => isOf(old, now))), ...expected] }))
      try {
        const result = await run()
        await store.mutate(recordKey, (record) => ({ ...written(record, write, clock.now()), expected: without(record, expected) }))
        return result
      } catch (error) {
        if (!mayHaveArrived(error)) await store.mutate(recordKey, (record) => ({ expected: without(record, expected) }))
        throw error
      }
    },
  }
}

function expectationsOf({ addTags = [], removeTags = [], fields = [] }: OwnWrite, at: Date): ExpectedWrite[] {
  return [
    ...normaliseTags(addTags).map((id) => ({ kind: 'tag' as const, id, value: null, at })),
    ...normaliseTags(removeTags).map((id) => ({ kind: 'untag' as const, id, value: null, at })),
    ...fields.map(({ id, value }) => ({ kind: 'field' as const, id, value: compactValue(value), at })),
  ]
}

function isOf(left: ExpectedWrite, right: ExpectedWrite): boolean {
  return left.kind === right.kind && left.id === right.id && left.value === right.value
}

function without(record: ContactRecord, expected: readonly ExpectedWrite[]): ExpectedWrite[] {
  return (record.expected ?? []).filter((old) => !expected.some((done) => isOf(old, done)))
}

/** The record as it is after the write; by our clock, so that news of the same moment is looked at twice. */
function written(record: ContactRecord, { addTags = [], removeTags = [], fields = [] }: OwnWrite, now: Date): Partial<ContactRecord> {
  const { knownTags, seen } = record
  const tags = new Set(knownTags?.value)
  for (const tag of normaliseTags(removeTags)) tags.delete(tag)
  for (const tag of normaliseTags(addTags)) tags.add(tag)
  const isOurs = new Set(fields.map(({ id }) => id))
  const values = fields.map(({ id, value }) => ({ id, value: compactValue(value) })).filter(({ value }) => value !== '')
  return {
    ...(knownTags === null ? {} : { knownTags: { value: [...tags].sort(), at: now, own: true } }),
    ...(seen === null || seen === undefined
      ? {}
      : { seen: { ...seen, at: seen.at > now ? seen.at : now, ourClock: true, fields: [...seen.fields.filter(({ id }) => !isOurs.has(id)), ...values].sort((left, right) => (left.id < right.id ? -1 : 1)) } }),
  }
}
