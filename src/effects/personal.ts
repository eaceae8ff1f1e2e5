import type { Clock } from '../kernel/clock.ts'
import { newToken } from '../kernel/ids.ts'
import type { ToldLook } from './personal-rules.ts'
import type { PersonalValues } from './ports.ts'

/** The contact or card on which a person's value stands. */
export interface PersonalTarget {
  companyId: string
  locationId: string
  subjectId: string
  target: string
  kind: 'field' | 'card'
}

/** Tells whoever judges people's values of looks and writes. */
export interface PersonalTeller {
  tell(target: PersonalTarget, looks: readonly ToldLook<string>[], deliveryId?: string): Promise<void>
  /** Before a write is sent. @returns what to call when it was accepted */
  writing(target: PersonalTarget, value: string): Promise<() => Promise<void>>
}

const silent: PersonalValues = { seen: async () => undefined, writing: async () => undefined, wrote: async () => undefined }

export function createPersonalTeller({ clock, personal = silent }: { clock: Clock; personal?: PersonalValues | undefined }): PersonalTeller {
  return {
    async tell(target, looks, deliveryId) {
      for (const { value, at, first } of looks) {
        await personal.seen({ ...target, value: value === '' ? null : value, at, first, ...(deliveryId === undefined ? {} : { deliveryId }) })
      }
    },
    async writing({ companyId, locationId, target }, value) {
      const writeId = newToken()
      await personal.writing({ companyId, locationId, target, value, writeId, fromAt: clock.now() })
      return () => personal.wrote({ companyId, locationId, target, writeId, toAt: clock.now() })
    },
  }
}

/** The account in a subject `user:<locationId>:<userId>` or `account:<locationId>`. */
export function locationOf(subjectId: string): string | null {
  return subjectId.split(':')[1] ?? null
}

/** Looks that came while others were told. */
export function stillUntold(looks: readonly ToldLook<string>[] = [], told: readonly ToldLook<string>[]): ToldLook<string>[] {
  return looks.filter((look) => !told.some((one) => one.at.getTime() === look.at.getTime() && one.value === look.value))
}
