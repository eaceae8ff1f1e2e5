import type { Clock } from '../kernel/clock.ts'
import { skewMs } from './observation.ts'
import type { ContactRecord } from './records.ts'
import { normaliseTags } from './values.ts'
import type { WantedStore } from './wanted-store.ts'

/**
 * What steps of automations wrote to a contact, or are about to write: an echo of it is nobody's edit. Noted before the call is sent, so that news
 * which overtakes our own record of the call is recognised, too.
 * `tag`: id is the tag, value `on` or `off` · `field`: id is the field's, value as `ownValue` spells it · `card`: id is the pipeline's, value the stage's id.
 */
export interface NotedWrite {
  kind: 'tag' | 'field' | 'card'
  id: string
  value: string
  at: Date
}

/** What a step of an automation writes on a contact. */
export interface OwnWrite {
  addTags?: readonly string[]
  removeTags?: readonly string[]
  fields?: readonly { id: string; value: string | number }[]
}

/** Writes of steps on contacts: noted before they are sent, known after. */
export interface OwnWrites {
  /** Runs the write with its values noted. */
  around<T>(recordKey: string, write: OwnWrite, run: () => Promise<T>): Promise<T>
}

export function createOwnWrites(store: Pick<WantedStore<ContactRecord>, 'mutate'>, clock: Clock): OwnWrites {
  return {
    async around(recordKey, { addTags = [], removeTags = [], fields = [] }, run) {
      const add = normaliseTags(addTags)
      const remove = normaliseTags(removeTags)
      const at = clock.now()
      const noted: NotedWrite[] = [
        ...add.map((id) => ({ kind: 'tag' as const, id, value: 'on', at })),
        ...remove.map((id) => ({ kind: 'tag' as const, id, value: 'off', at })),
        ...fields.map(({ id, value }) => ({ kind: 'field' as const, id, value: ownValue(value), at })),
      ]
      await store.mutate(recordKey, (current) => ({ ownWrites: noteOwnWrites(current.ownWrites, noted) }))
      const result = await run()
      // As the reconcile of the contact does it: what we wrote is known, and no news to anybody.
      await store.mutate(recordKey, ({ knownTags }) => {
        if (knownTags === null || add.length + remove.length === 0) return null
        const known = new Set(knownTags.value.filter((tag) => !remove.includes(tag)))
        for (const tag of add) known.add(tag)
        return { knownTags: { value: [...known].sort(), at: clock.now(), own: true } }
      })
      return result
    },
  }
}

/** Per contact; the newest of each tag, field and pipeline. */
const remembered = 60

/** Adds writes to those that are remembered: of each tag, field and pipeline the newest counts. */
export function noteOwnWrites(before: readonly NotedWrite[] | undefined, writes: readonly NotedWrite[]): NotedWrite[] {
  const others = (before ?? []).filter((old) => !writes.some((write) => isSame(old, write)))
  return [...others, ...writes].slice(-remembered)
}

/** True if the newest write of this thing has brought, or is bringing, this value. */
export function isOwnWrite(writes: readonly NotedWrite[] | undefined, kind: NotedWrite['kind'], id: string, value: string): boolean {
  return (writes ?? []).some((write) => write.kind === kind && write.id === id && write.value === value)
}

/** True if news of another value is so close to our write that it may be from before it: only reading tells. @param at HighLevel's time of the news */
export function mayPrecedeOwnWrite(writes: readonly NotedWrite[] | undefined, kind: NotedWrite['kind'], id: string, value: string, at: Date): boolean {
  return (writes ?? []).some((write) => write.kind === kind && write.id === id && write.value !== value && at.getTime() - write.at.getTime() < skewMs)
}

/** Forgets writes that a person's edit has ended: the same value seen later is a person's again. */
export function endOwnWrites(writes: readonly NotedWrite[] | undefined, edited: readonly Pick<NotedWrite, 'kind' | 'id'>[]): NotedWrite[] {
  return (writes ?? []).filter((write) => !edited.some((one) => isSame(write, one)))
}

/** A field's value in the form in which writes and news of it are compared. */
export function ownValue(value: unknown): string {
  const single: unknown = Array.isArray(value) ? (value.length === 1 ? value[0] : value.join(', ')) : value
  if (single === null || single === undefined) return ''
  if (typeof single === 'string') return single.trim()
  return typeof single === 'number' || typeof single === 'boolean' ? String(single) : JSON.stringify(single)
}

function isSame(one: Pick<NotedWrite, 'kind' | 'id'>, other: Pick<NotedWrite, 'kind' | 'id'>): boolean {
  return one.kind === other.kind && one.id === other.id
}
