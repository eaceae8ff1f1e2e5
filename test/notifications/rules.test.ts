import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { channelRhythms, noticeChannels, noticeKinds } from '../../src/http/contract/notice-kinds.ts'
import { defaultAgencySettings } from '../../src/http/contract/settings.ts'
import { burstId, chosenFor, decide, letterId, recipientsOf, type Member, type Reach } from '../../src/notifications/rules.ts'
import { library } from '../../workflows/library/index.ts'

const team: Member[] = [
  { userId: 'priya', name: 'Priya', email: 'p@example.com', role: 'user' },
  { userId: 'tom', name: 'Tom', email: null, role: 'admin' },
  { userId: 'lee', name: 'Lee', email: 'l@example.com', role: 'user' },
]
const { kinds } = defaultAgencySettings.notices
const all: Reach = { mailServer: true, address: true, chat: true, account: true }
const ids = (members: Member[]) => members.map(({ userId }) => userId)

describe('recipients', () => {
  it.each([
    ['the owner alone', 'owner', ['priya'], [], [], ['priya']],
    ['the account’s owner, if the matter’s left', 'owner', ['gone', 'lee'], [], [], ['lee']],
    ['everybody, if the owner left', 'owner', ['gone'], [], [], ['priya', 'tom', 'lee']],
    ['everybody, while there is no owner', 'owner', [null, undefined], [], [], ['priya', 'tom', 'lee']],
    ['everybody for everyone', 'everyone', ['priya'], [], [], ['priya', 'tom', 'lee']],
    ['admins as leads, and the owner', 'leads', ['priya'], [], [], ['priya', 'tom']],
    ['the named leads, and the owner', 'leads', ['priya'], ['lee'], [], ['priya', 'lee']],
    ['admins, if the named leads all left', 'leads', [null], ['gone'], [], ['tom']],
    ['the owner and who watches', 'owner', ['priya'], [], ['lee', 'gone'], ['priya', 'lee']],
  ] as const)('are %s', (_what, audience, owners, leads, watchers, expected) => {
    expect(ids(recipientsOf(audience, owners, team, leads, watchers))).toEqual(expected)
  })

  it('are nobody only if nobody is on the team', () => {
    fc.assert(
      fc.property(fc.constantFrom('owner', 'everyone', 'leads'), fc.option(fc.constantFrom('priya', 'tom', 'gone')), fc.subarray(team), fc.subarray(['priya', 'lee', 'gone']), (audience, owner, members, leads) => {
        const found = recipientsOf(audience, [owner], members, leads)
        expect(found.length > 0).toBe(members.length > 0)
        expect(new Set(ids(found)).size).toBe(found.length)
      }),
      { seed: 7 },
    )
  })
})

describe('a channel’s rhythm', () => {
  it('is the person’s, else the agency’s, else the product’s', () => {
    const agency = { ...kinds, feedback_received: { ...kinds.feedback_received, email: 'daily' as const } }
    expect(chosenFor('feedback_received', 'email', undefined, kinds, [])).toEqual({ rhythm: 'off', by: 'default' })
    expect(chosenFor('feedback_received', 'email', undefined, agency, [])).toEqual({ rhythm: 'daily', by: 'agency' })
    expect(chosenFor('feedback_received', 'email', { email: 'weekly' }, agency, [])).toEqual({ rhythm: 'weekly', by: 'person' })
    expect(chosenFor('feedback_received', 'email', { email: 'off' }, agency, ['email'])).toEqual({ rhythm: 'off', by: 'person' })
  })

  it('of a kind from an agency’s own workflow is what that workflow suggests', () => {
    expect(chosenFor('our_own', 'in_app', undefined, kinds, [])).toEqual({ rhythm: 'at_once', by: 'workflow' })
    expect(chosenFor('our_own', 'chat', undefined, kinds, ['chat'])).toEqual({ rhythm: 'at_once', by: 'workflow' })
    expect(chosenFor('our_own', 'task', undefined, kinds, ['chat'])).toEqual({ rhythm: 'off', by: 'workflow' })
  })

  it('is always one that the channel has, and an obstacle is named exactly where something wanted is not possible', () => {
    const rhythms = fc.constantFrom('off', 'at_once', 'daily', 'weekly')
    fc.assert(
      fc.property(fc.constantFrom(...noticeKinds), fc.record({ in_app: rhythms, email: rhythms, task: rhythms, chat: rhythms }, { requiredKeys: [] }), fc.record({ mailServer: fc.boolean(), address: fc.boolean(), chat: fc.boolean(), account: fc.boolean() }), (kind, own, reach) => {
        const decided = decide(kind, own, kinds, [], reach)
        for (const channel of noticeChannels) {
          expect(channelRhythms[channel] as readonly string[]).toContain(decided[channel].rhythm)
          const possible = { in_app: true, email: reach.mailServer && reach.address, task: reach.account, chat: reach.chat }[channel]
          expect(decided[channel].obstacle !== null).toBe(decided[channel].rhythm !== 'off' && !possible)
        }
      }),
      { seed: 7 },
    )
    expect(decide('case_opened', undefined, kinds, [], { ...all, mailServer: false }).email.obstacle).toBe('no_mail_server')
    expect(decide('case_opened', undefined, kinds, [], { ...all, address: false }).email.obstacle).toBe('no_address')
  })

  it('can be chosen for every notification that ships', () => {
    const told = library.flatMap(({ steps }) => steps.flatMap((step) => (step.kind === 'notify' ? [step.topic] : [])))
    expect([...new Set(told)].filter((topic) => !(noticeKinds as readonly string[]).includes(topic))).toEqual([])
  })
})

describe('ids', () => {
  const at = new Date('2026-11-02T09:03:00Z')
  it('of lines differ by recipient, kind, account and time slice, and by nothing else', () => {
    const base = burstId('c', 'priya', 'case_opened', 'l', at)
    expect(burstId('c', 'priya', 'case_opened', 'l', new Date('2026-11-02T09:04:59Z'))).toBe(base)
    const others = [burstId('d', 'priya', 'case_opened', 'l', at), burstId('c', 'tom', 'case_opened', 'l', at), burstId('c', 'priya', 'case_overdue', 'l', at), burstId('c', 'priya', 'case_opened', null, at), burstId('c', 'priya', 'case_opened', 'l', new Date('2026-11-02T09:05:00Z'))]
    expect(new Set([base, ...others]).size).toBe(6)
  })
  it('of letters are one per recipient, channel and account, and one per day of a digest', () => {
    const slice = { locationId: 'l', urgent: false, sliceMs: 1 }
    const letters = [
      letterId('c', 'priya', 'email', slice), letterId('c', 'priya', 'chat', slice), letterId('c', 'tom', 'email', slice), letterId('c', 'priya', 'email', { ...slice, locationId: null }), letterId('c', 'priya', 'email', { ...slice, urgent: true }),
      letterId('c', 'priya', 'email', { rhythm: 'daily', day: '2026-11-02' }), letterId('c', 'priya', 'email', { rhythm: 'weekly', day: '2026-11-02' }), letterId('c', 'priya', 'email', { rhythm: 'daily', day: '2026-11-03' }),
    ]
    expect(new Set(letters).size).toBe(letters.length)
  })
})
