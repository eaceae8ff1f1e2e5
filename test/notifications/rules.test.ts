import { describe, expect, it } from '@jest/globals'
import { library } from '../../workflows/index.ts'
import { burstId, channelsFor, notificationKinds, recipientsOf } from '../../src/notifications/rules.ts'

const team = [{ userId: 'a', name: 'A', email: 'a@example.com' }, { userId: 'b', name: 'B', email: null }]

describe('who is told', () => {
  it('the owner alone, if there is one on the team', () => {
    expect(recipientsOf('owner', 'b', team)).toEqual([team[1]])
  })

  it.each([['there is no owner', 'owner', null], ['the owner left the team', 'owner', 'gone'], ['it concerns everyone', 'everyone', 'b']] as const)('everybody if %s', (_what, audience, ownerId) => {
    expect(recipientsOf(audience, ownerId, team)).toEqual(team)
  })
})

describe('channels', () => {
  it('in the app at once, by e-mail for cases and a lost connection, until a person says otherwise', () => {
    expect(channelsFor('feedback_received', undefined, false)).toEqual({ inApp: true, email: false })
    expect(channelsFor('case_opened', undefined, false)).toEqual({ inApp: true, email: true })
    expect(channelsFor('case_opened', { email: 'off' }, true)).toEqual({ inApp: true, email: false })
    expect(channelsFor('feedback_received', { email: 'at_once', inApp: false }, false)).toEqual({ inApp: false, email: true })
    expect(channelsFor('something_new', undefined, true)).toEqual({ inApp: true, email: true })
  })

  it('every topic of the library has a preference', () => {
    const topics = library.flatMap((definition) => definition.steps.flatMap((step) => (step.kind === 'notify' ? [step.topic] : [])))
    expect(notificationKinds.map(({ kind }) => kind).sort()).toEqual(topics.sort())
  })
})

it('facts of one time slice share an id, of other kinds, accounts, people and agencies not', () => {
  const at = new Date('2026-11-02T09:01:00Z')
  const id = burstId('c', 'p', 'k', 'l', at)
  expect(burstId('c', 'p', 'k', 'l', new Date('2026-11-02T09:04:59Z'))).toBe(id)
  const others = [burstId('c2', 'p', 'k', 'l', at), burstId('c', 'p2', 'k', 'l', at), burstId('c', 'p', 'k2', 'l', at), burstId('c', 'p', 'k', null, at)]
  expect(new Set([id, ...others]).size).toBe(5)
})
