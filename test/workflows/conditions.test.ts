import { describe, expect, it, jest } from '@jest/globals'
import { conditionContext, conditionFieldOf, conditionFields, conditionsHold } from '../../workflows/conditions.ts'
import { factsOf } from '../../workflows/engine/facts.ts'
import type { WorkflowAccount, WorkflowContact } from '../../workflows/ports.ts'
import { condition, type Condition } from '../../workflows/shapes.ts'
import type { DomainEvent } from '../../src/events/index.ts'

const event: DomainEvent = {
  key: 'answer:1', companyId: 'company-1', locationId: 'location-1', userId: 'user-1', type: 'feedback.received', at: new Date('2026-11-02T09:00:00Z'),
  actor: { kind: 'account_user', id: 'user-1', name: 'Maya Lopez' }, source: 'widget', summary: 'Answered.', data: { level: 'happy', answerId: 'a1' },
}
const account: WorkflowAccount = { name: 'Bright Smile Dental', group: 'saas', premium: true, ownerId: 'csm-1', timezone: 'Europe/Berlin', healthLevel: 'steady', happinessLevel: 'happy' }
const contact: WorkflowContact = { tags: ['vip', 'called today'], fields: { plan: 'Gold ', seats: '12', notes: '' } }

function world(over: { contact?: WorkflowContact | null; role?: string | null } = {}) {
  const ports = {
    contact: jest.fn(async (..._who: string[]) => (over.contact === undefined ? contact : over.contact)),
    userRole: jest.fn(async () => (over.role === undefined ? 'admin' : over.role)),
    primaryPerson: jest.fn(async () => 'user-9'),
  }
  const readAccount = jest.fn(async () => account)
  return { ports, readAccount, context: (about = event as Pick<DomainEvent, 'companyId' | 'locationId' | 'userId'>) => conditionContext(ports, about, { facts: factsOf(event), account: readAccount }) }
}
const asked = (field: string, is: Condition['is'], ...values: Condition['values']): Condition => condition.parse({ field, is, values })

describe('conditions', () => {
  it.each<[Condition, boolean]>([
    [asked('account.happiness', 'one_of', 'happy'), true],
    [asked('account.health', 'none_of', 'steady', null), false],
    [asked('account.premium', 'one_of', true), true],
    [asked('account.timezone', 'one_of', 'Europe/Berlin'), true],
    [asked('user.role', 'one_of', 'admin'), true],
    [asked('user.role', 'none_of', 'admin'), false],
    // Tags and fields are texts that people type: spaces around them and capitals do not count.
    [asked('contact.tags', 'one_of', 'VIP'), true],
    [asked('contact.tags', 'none_of', 'vip', 'other'), false],
    [asked('contact.tags', 'none_of', 'other'), true],
    [asked('contact.tags', 'one_of', null), false],
    [asked('contact.field.Plan', 'one_of', 'gold'), true],
    [asked('contact.field.Seats', 'at_least', 12), true],
    [asked('contact.field.Seats', 'at_most', 11), false],
    [asked('contact.field.Seats', 'one_of', 12), true],
    [asked('contact.field.Plan', 'at_least', 1), false],
    [asked('contact.field.Notes', 'one_of', null), true],
    [asked('contact.field.Nothing Like It', 'one_of', null), true],
    [asked('contact.field.Nothing Like It', 'at_most', 5), false],
    [asked('contact.field.Nothing Like It', 'none_of', 'x'), true],
  ])('%j is %s', async (one, holds) => {
    expect(await conditionsHold([one], world().context())).toBe(holds)
  })

  it('of a person without a contact: no tags, no values', async () => {
    const { context } = world({ contact: null, role: null })
    expect(await conditionsHold([asked('contact.tags', 'one_of', null), asked('contact.field.Plan', 'one_of', null), asked('user.role', 'one_of', null)], context())).toBe(true)
    expect(await conditionsHold([asked('contact.tags', 'one_of', 'vip')], context())).toBe(false)
  })

  it('read nothing that the fact already decides, and everything else once', async () => {
    const { context, ports, readAccount } = world()
    expect(await conditionsHold([asked('contact.tags', 'one_of', 'vip'), asked('account.group', 'one_of', 'saas'), asked('answer.level', 'one_of', 'not_happy')], context())).toBe(false)
    expect([ports.contact, ports.userRole, readAccount].map((read) => read.mock.calls.length)).toEqual([0, 0, 0])
    const one = context()
    expect(await conditionsHold([asked('contact.tags', 'one_of', 'vip'), asked('contact.field.Plan', 'one_of', 'gold'), asked('account.name', 'one_of', account.name), asked('account.group', 'one_of', 'saas')], one)).toBe(true)
    expect([ports.contact, ports.userRole, readAccount].map((read) => read.mock.calls.length)).toEqual([1, 0, 1])
  })

  it('about an account as a whole look at its primary contact', async () => {
    const { context, ports } = world()
    expect(await conditionsHold([asked('contact.tags', 'one_of', 'vip')], context({ ...event, userId: null }))).toBe(true)
    expect(ports.contact).toHaveBeenCalledWith('company-1', 'location-1', 'user-9')
    expect(await conditionsHold([asked('contact.tags', 'one_of', 'vip')], context({ ...event, locationId: null, userId: null }))).toBe(false)
  })

  it('every catalogued field can be written down, and a custom field by its name', () => {
    for (const field of conditionFields.keys()) expect(condition.safeParse({ field, is: 'one_of', values: ['x'] }).success).toBe(true)
    expect(conditionFieldOf('contact.field.Plan name')?.label).toContain('plan name')
    for (const field of ['contact.field.', 'contact.field. ', 'contact.nothing', 'constructor']) expect(condition.safeParse({ field, is: 'one_of', values: ['x'] }).success && conditionFieldOf(field) !== undefined).toBe(false)
  })
})
