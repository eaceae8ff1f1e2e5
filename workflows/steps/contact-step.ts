import type { ContactIdentity } from '../../src/effects/index.ts'
import type { StepDetails } from '../engine/run.ts'
import type { StepContext, StepResult } from './handler.ts'

/**
 * A step that hands something about the run's contact to the outbox; skipped where there is nobody, or nothing leaves any more.
 * @param hand hands it over and says what it was; a text is why there is nothing to hand over
 */
export async function contactStep({ run, contact, ports }: StepContext, hand: (contact: ContactIdentity) => Promise<StepDetails | string>): Promise<StepResult> {
  if (contact === null) return { outcome: 'skipped', reason: 'no_person', ends: false }
  if (!(await ports.isLive(run.companyId))) return { outcome: 'skipped', reason: 'uninstalled', ends: false }
  const handed = await hand(contact)
  if (typeof handed === 'string') return { outcome: 'skipped', reason: handed, ends: false }
  return { outcome: 'handed_over', reason: null, ends: false, input: handed }
}
