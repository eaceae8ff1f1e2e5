import { describe, expect, it } from '@jest/globals'
import { channelRhythms, noticeChannels, noticeKinds, type NoticeChannel } from '../../src/http/contract/notice-kinds.ts'
import { hourMs, minuteMs } from '../../src/kernel/clock.ts'
import { CodedError } from '../../src/kernel/errors.ts'
import type { Mail, Notice, Notifications } from '../../src/notifications/index.ts'
import { companyId, openRig } from './rig.ts'

/** Repeatable numbers from 0 to 1. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296
    return state / 4_294_967_296
  }
}

class Crash extends Error {}

interface Fact {
  notice: Notice
  told: boolean
}

/**
 * Two processes tell facts about accounts to people with random choices while they crash at named points, the mail server and the chat fail in every way, people
 * change their minds, and the clock goes on for days. In the end every fact is accounted for on every channel of everybody whom it concerned.
 */
async function live(seed: number) {
  const random = seeded(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  let crashing = true
  let crashes = 0
  const faultPoint = (): void => {
    if (!crashing || random() > 0.08) return
    crashes += 1
    throw new Crash('the process died here')
  }
  const rig = await openRig({ faultPoint, at: new Date('2026-10-22T06:00:00Z') })
  const { world, clock } = rig
  const people = ['priya', 'tom', 'lee', 'ana']
  world.team = people.map((userId, at) => ({ userId, name: userId, email: userId === 'ana' ? null : `${userId}@example.com`, role: at === 1 ? ('admin' as const) : ('user' as const) }))
  const other = await rig.another({ faultPoint, mailer: mailer() })
  const first = rig.build(rig.store.connection, { faultPoint, mailer: mailer() })
  const workers: Notifications[] = [first, other]

  /** Takes the mail, refuses it, or takes it and does not say so. */
  function mailer() {
    return {
      async send(mail: Mail) {
        const luck = random()
        if (crashing && luck < 0.1) throw new CodedError('mail_failed', 'not reached')
        if (!(crashing && luck > 0.95)) world.mails.push(mail)
        if (crashing && luck > 0.9) throw new CodedError('mail_uncertain', 'no answer')
      },
      close: () => undefined,
    }
  }

  async function changeMind(): Promise<void> {
    const reader = { companyId, userId: pick(people) }
    const channel = pick(noticeChannels)
    const change = { items: [{ kind: pick(noticeKinds), channels: { [channel]: pick(channelRhythms[channel]) }, urgent: random() < 0.3 }], ...(random() < 0.1 ? { zone: pick(['UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Tokyo']) } : {}), ...(random() < 0.1 ? { digestAt: pick(['06:00', '08:00', '17:30']) } : {}) }
    await pick(workers).setPreferences(reader, change)
  }

  for (const userId of ['priya', 'lee']) await first.setChat({ companyId, userId }, 'own', `https://hooks.slack.com/services/${userId}`)
  await first.setChat({ companyId, userId: 'tom' }, 'agency', 'https://hooks.slack.com/services/agency')
  await rig.set({ notices: { agencyChat: Object.fromEntries(noticeKinds.map((kind) => [kind, pick(['off', 'at_once', 'daily'])])) } })
  for (let turn = 0; turn < 60; turn += 1) await changeMind()
  // Every digest of the week has something to say.
  for (let account = 0; account < 6; account += 1) world.then.set(`location-${account}`, { happiness: { before: 'happy', after: 'neutral' }, health: { before: null, after: null }, openCases: { before: 0, after: 0 } })

  const facts: Fact[] = []
  async function tell(fact: Fact): Promise<void> {
    try {
      await pick(workers).notify(fact.notice)
      fact.told = true
    } catch (error) {
      if (!(error instanceof Crash)) throw error
    }
  }
  async function work(): Promise<void> {
    const ended = await Promise.allSettled(workers.flatMap((worker) => worker.pumps.map((pump) => pump.drain())))
    // A process that dies as it claims keeps its leases until they run out.
    for (const one of ended) if (one.status === 'rejected' && !(one.reason instanceof Crash)) throw one.reason
  }

  for (let step = 0; step < 50; step += 1) {
    world.ownerId = random() < 0.2 ? null : pick(people)
    const burst = Math.floor(random() * 4)
    for (let at = 0; at < burst; at += 1) {
      const fact: Fact = { told: false, notice: rig.notice(`fact-${facts.length}`, { kind: pick(noticeKinds), locationId: `location-${Math.floor(random() * 6)}`, audience: pick(['owner', 'owner', 'everyone', 'leads']), title: `[fact-${facts.length}]`, body: '' }) }
      facts.push(fact)
      if (random() < 0.3) await Promise.all([tell(fact), tell(fact)])
      else await tell(fact)
    }
    for (const fact of facts.filter(({ told }) => !told || random() < 0.02)) await tell(fact)
    if (random() < 0.3) await changeMind()
    clock.advanceMs(pick([minuteMs, 3 * minuteMs, 20 * minuteMs, 2 * hourMs, 7 * hourMs]))
    await work()
    if (random() < 0.1) await pick(workers).sweep(50)
  }
  crashing = false
  for (const fact of facts) await tell(fact)
  for (let hour = 0; hour < 9 * 24; hour += 6) {
    clock.advanceMs(6 * hourMs)
    await first.sweep(200)
    await work()
  }

  const stored = (await rig.store.connection.collection('notices').find({ companyId }).toArray()) as unknown as { _id: string; key: string; title: string; to: Record<string, { lineId: string | null; channels: Record<NoticeChannel, { rhythm: string; obstacle: string | null }>; letters: Partial<Record<NoticeChannel, { id: string }>> }> }[]
  const lines = await rig.store.connection.collection('notifications').find({ companyId }).toArray()
  const letters = (await rig.store.connection.collection('notification_letters').find({ companyId }).toArray()) as unknown as { _id: string; recipientId: string; channel: NoticeChannel; rhythm: string; state: string; reason: string | null; day: string | null; notices: string[] }[]
  const outcome = { crashes, facts, stored, lines, letters, mails: [...world.mails], posts: [...world.posts], tasks: [...world.tasks] }
  await rig.close()
  return outcome
}

const seeds = (process.env['NOTICE_SEEDS'] ?? '1').split(',').map(Number)

describe.each(seeds)('every fact, with two processes that crash (seed %i)', (seed) => {
  it('reaches each person by each chosen channel exactly once, or says why not', async () => {
    const { crashes, facts, stored, lines, letters, mails, posts, tasks } = await live(seed)
    expect(crashes).toBeGreaterThan(5)
    expect(stored.map(({ key }) => key).sort()).toEqual(facts.map(({ notice }) => notice.key).sort())

    const faults: string[] = []
    const states = new Map<string, number>()
    for (const { _id, key, to } of stored) {
      expect(Object.keys(to).length).toBeGreaterThan(0)
      for (const [recipientId, { lineId, channels, letters: planned }] of Object.entries(to)) {
        const shown = lines.filter((line) => line['recipientId'] === recipientId && (line['keys'] as string[]).includes(key))
        const wanted = channels.in_app.rhythm === 'off' ? 0 : 1
        if (shown.length !== wanted || (wanted === 1 && String(shown[0]?._id) !== lineId)) faults.push(`${key} is in ${shown.length} lines of ${recipientId}, not ${wanted}`)
        for (const channel of ['email', 'task', 'chat'] as const) {
          const { rhythm, obstacle } = channels[channel]
          const holding = letters.filter((letter) => letter.recipientId === recipientId && letter.channel === channel && letter.notices.includes(_id))
          if (rhythm === 'off' || obstacle !== null) {
            if (holding.length > 0) faults.push(`${key} is in a letter to ${recipientId} by ${channel}, which is off`)
            continue
          }
          const [letter] = holding
          if (holding.length !== 1 || letter === undefined) faults.push(`${key} is in ${holding.length} letters to ${recipientId} by ${channel}`)
          else if (planned[channel]?.id !== letter._id) faults.push(`${key} names another letter than the one that it is in`)
          else if (!['sent', 'uncertain', 'failed', 'not_sent'].includes(letter.state)) faults.push(`${key} is still ${letter.state} for ${recipientId} by ${channel}`)
          else if (letter.state !== 'sent' && letter.reason === null) faults.push(`${key}: nobody knows why it was not sent`)
          else states.set(`${channel} ${letter.rhythm} ${letter.state}`, (states.get(`${channel} ${letter.rhythm} ${letter.state}`) ?? 0) + 1)
        }
      }
    }
    // What the world outside got: every letter that is said to be sent once, no letter twice, and nothing that is said not to be.
    for (const letter of letters) {
      const got = letter.channel === 'email' ? mails.filter(({ messageId }) => messageId.includes(letter._id)).length : letter.channel === 'task' ? tasks.filter(({ key }) => key === `notice:${letter._id}`).length : null
      if (got === null) continue
      const allowed = { sent: [1], uncertain: [0, 1], failed: [0], not_sent: [0] }[letter.state] ?? []
      if (!allowed.includes(got)) faults.push(`the letter ${letter._id} by ${letter.channel} is ${letter.state} and arrived ${got} times`)
    }
    const sentChats = letters.filter(({ channel, state }) => channel === 'chat' && state === 'sent').length
    const unsureChats = letters.filter(({ channel, state }) => channel === 'chat' && state === 'uncertain').length
    if (posts.length < sentChats || posts.length > sentChats + unsureChats) faults.push(`${posts.length} posts for ${sentChats} sent and ${unsureChats} uncertain letters`)
    for (const line of lines) if (line['count'] !== (line['keys'] as string[]).length) faults.push(`the line ${String(line._id)} counts ${String(line['count'])}`)
    const digests = letters.filter(({ day }) => day !== null).map(({ recipientId, channel, rhythm, day }) => `${recipientId} ${channel} ${rhythm} ${day ?? ''}`)
    expect(new Set(digests).size).toBe(digests.length)
    expect(faults).toEqual([])
    // The scene had all of it.
    for (const what of ['email at_once sent', 'email daily sent', 'email weekly sent', 'task at_once sent', 'chat at_once sent', 'chat daily sent']) expect([...states.keys()]).toContain(what)
  }, 300_000)
})
