import type { PersonalValues } from '../effects/index.ts'
import { minuteMs, type Clock } from '../kernel/clock.ts'
import { hashOf } from '../kernel/ids.ts'
import type { Giving } from './giving.ts'
import type { Records } from './records.ts'
import { shownOf, type HealthFact } from './rules.ts'

/** A time further ahead than that is an error, not news from the future: it would win over everything until then. */
const maxAheadMs = minuteMs

/** The side of the seam that judges what contacts' fields and accounts' cards show. */
export function createPersonalValues(records: Records, giving: Giving, clock: Clock): PersonalValues {
  return {
    async seen({ companyId, locationId, subjectId, target, kind, value, at: toldAt, first, deliveryId }) {
      const at = toldAt.getTime() > clock.nowMs() + maxAheadMs ? clock.now() : toldAt
      const shown = shownOf(value)
      const key = `seen_${hashOf(target, String(at.getTime()), shown).slice(0, 24)}`
      const fact: HealthFact = { kind: 'seen', key, at, target, via: kind, shown, first, subjectId, deliveryId: deliveryId ?? null }
      const record = await records.change(companyId, locationId, (current) => {
        // Of an account that nobody rated, an empty field says nothing.
        if (current.version === 0 && shown === '') return null
        if (current.base !== null && at <= current.base.at) return current.status === null || current.level === shown ? null : { again: true }
        // Told again: what the target shows may still have to be put right.
        if (current.facts.some((known) => known.key === key)) return current.status === null || current.level === shown ? null : { again: true }
        return { facts: [fact] }
      })
      if (record.appliedVersion < record.wantedVersion) await giving.run(companyId, locationId)
    },

    async writing({ companyId, locationId, target, value, writeId, fromAt }) {
      await records.change(companyId, locationId, (current) => {
        if (current.facts.some((known) => known.key === writeId)) return null
        const looks = current.facts.filter((fact) => fact.kind === 'seen' && fact.target === target)
        const notBefore = looks.reduce<Date | null>((newest, look) => (newest === null || look.at > newest ? look.at : newest), null)
        return { facts: [{ kind: 'wrote', key: writeId, at: fromAt, target, shown: shownOf(value), toAt: null, notBefore }] }
      })
    },

    async wrote({ companyId, locationId, writeId, toAt }) {
      await records.change(companyId, locationId, (current) => {
        const begun = current.facts.find((known) => known.key === writeId)
        return begun?.kind !== 'wrote' || begun.toAt !== null ? null : { facts: [{ ...begun, toAt }] }
      })
    },
  }
}
