import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { caseView } from '../../src/http/contract/cases.ts'
import { dayMs, hourMs } from '../../src/kernel/clock.ts'
import { nextEscalationAt } from '../../src/cases/rules.ts'
import { companyId, csm, eventsOf, locationId, newKey, openRig, respondent, type Rig } from '../feedback/rig.ts'

let rig: Rig
let caseId: string
beforeEach(async () => {
  rig = await openRig()
  await rig.feedback.answers.give(respondent('a'), { level: 'not_happy', comment: undefined, idempotencyKey: newKey(), source: 'button' })
  caseId = (await rig.cases.openCaseOf(companyId, locationId, 'a'))!.caseId
})
afterEach(() => rig.close())

/** Hours after its due time at which the case was escalated, the sweep looking every hour. */
async function hoursOver(hours: number): Promise<void> {
  for (let hour = 0; hour < hours; hour += 1) {
    rig.clock.advanceMs(hourMs)
    await rig.cases.markOverdue(10)
  }
}
const dueMs = Date.parse('2026-11-03T09:00:00Z')
const escalatedAfterHours = () => eventsOf(rig.world, 'case.escalated').map(({ at }) => Math.round((at.getTime() - dueMs) / hourMs))
const see = async () => caseView.parse(await rig.cases.get(companyId, caseId))

describe('an overdue case', () => {
  it('is told at its due time, to the leads 24 hours later, then daily for seven days, then no more', async () => {
    await hoursOver(24 * 20)
    expect(eventsOf(rig.world, 'case.overdue')).toHaveLength(1)
    expect(escalatedAfterHours()).toEqual([24, 48, 72, 96, 120, 144, 168, 192])
    expect(await see()).toMatchObject({ escalations: 8, escalateAt: null, overdue: true })
  })

  it('is told once for a time in which nobody looked, and once however many look at once', async () => {
    await hoursOver(24)
    rig.clock.advanceMs(10 * dayMs)
    await Promise.all([rig.cases.markOverdue(10), rig.cases.markOverdue(10), rig.cases.markOverdue(10)])
    expect(escalatedAfterHours()).toEqual([240])
    expect(eventsOf(rig.world, 'case.escalated')[0]?.summary).toContain('overdue for 10 days with Priya Nair: the leads were told')
  })

  it('that is closed is not escalated any more', async () => {
    await hoursOver(24 + 25)
    await rig.cases.close(csm, caseId, { outcome: 'resolved', note: 'Called.' })
    await hoursOver(24 * 5)
    expect(escalatedAfterHours()).toEqual([24])
  })

  it('that somebody takes on is left to them for some hours, then goes on where it was', async () => {
    await hoursOver(24 + 25)
    const view = await rig.cases.acknowledge(csm, caseId, 72)
    expect(view.acknowledged).toMatchObject({ userId: csm.userId, untilAt: '2026-11-07T10:00:00.000Z' })
    await hoursOver(24 * 5)
    expect(escalatedAfterHours()).toEqual([24, 97, 121, 145])
    expect(eventsOf(rig.world, 'case.acknowledged')).toHaveLength(1)
  })

  it('that was taken on before it was due is left for as long, too', async () => {
    await rig.cases.acknowledge(csm, caseId, 72)
    await hoursOver(24 * 5)
    expect(eventsOf(rig.world, 'case.overdue')).toHaveLength(1)
    expect(escalatedAfterHours()).toEqual([48, 72, 96])
  })

  it('of another agency cannot be taken on, nor a closed one', async () => {
    await expect(rig.cases.acknowledge({ ...csm, companyId: 'agency2' }, caseId, 24)).rejects.toMatchObject({ status: 404 })
    await rig.cases.close(csm, caseId, { outcome: 'resolved', note: 'Called.' })
    await expect(rig.cases.acknowledge(csm, caseId, 24)).rejects.toMatchObject({ status: 409, code: 'case_closed' })
  })

  it('counts as open from its answer until its closing', async () => {
    const opened = rig.clock.now()
    await hoursOver(5)
    await rig.cases.close(csm, caseId, { outcome: 'resolved', note: 'Called.' })
    const counts = await Promise.all([-1, 0, 4 * hourMs, 5 * hourMs, dayMs].map((ms) => rig.cases.openCount(companyId, locationId, new Date(opened.getTime() + ms))))
    expect(counts).toEqual([0, 1, 1, 0, 0])
    expect(await rig.cases.openCount('agency2', locationId, opened)).toBe(0)
  })
})

describe('the next escalation', () => {
  const from = new Date('2026-11-03T09:00:00Z')
  it.each([
    [0, { escalateAfterHours: 4, remindDays: 2 }, 4],
    [1, { escalateAfterHours: 4, remindDays: 2 }, 24],
    [2, { escalateAfterHours: 4, remindDays: 2 }, 24],
    [3, { escalateAfterHours: 4, remindDays: 2 }, null],
    [1, { escalateAfterHours: 4, remindDays: 0 }, null],
  ])('after %i of them by %j is in %s hours', (escalations, rules, hours) => {
    expect(nextEscalationAt(escalations, from, rules)).toEqual(hours === null ? null : new Date(from.getTime() + hours * hourMs))
  })
})
