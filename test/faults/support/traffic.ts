import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../../sandbox/state/make-ids.ts'
import { levels, type Crowd } from './customers.ts'
import type { World } from './world.ts'

/** A stream of answers and of things that people do in the CRM, until it is stopped. */
export interface Traffic {
  /** Ends the stream; every answer that was begun is acknowledged first. */
  stop(): Promise<void>
}

export interface TrafficOptions {
  seed: number
  /** Where customers answer, in turn; default: where everybody does. */
  urls?: string[]
  /** Pause between two answers of one of the customers who answer at once, in milliseconds. */
  pauseMs?: number
  /** How many customers answer at once. */
  atOnce?: number
}

export function startTraffic(world: World, crowd: Crowd, { seed, urls = [world.url], pauseMs = 120, atOnce = 3 }: TrafficOptions): Traffic {
  const random = createRandom(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const customers = world.customers.flat()
  const stopping = new AbortController()
  let count = 0

  const isStopping = (): boolean => stopping.signal.aborted

  /** Each customer answers through one hand only, so that the order of their answers is certain. */
  async function answers(hand: number): Promise<void> {
    const own = customers.filter((_, index) => index % atOnce === hand)
    while (!isStopping()) {
      count += 1
      await crowd.answer(pick(own), pick(levels), `stream ${seed}-${count}`, { url: pick(urls) })
      await sleep(pauseMs * (0.5 + random()))
    }
  }

  async function people(): Promise<void> {
    while (!isStopping()) {
      act()
      await sleep(pauseMs * (0.5 + random()))
    }
  }

  /** What people do: rename, move cards, edit fields, write to the agency. */
  function act(): void {
    const { sandbox, headquartersId } = world
    const customer = pick(customers)
    count += 1
    const choice = Math.floor(random() * 5)
    if (choice === 0) sandbox.updateLocation(customer.locationId, { name: `Account ${seed}-${count}` })
    else if (choice === 1) sandbox.updateUser(customer.userId, { firstName: `First${seed}x${count}` })
    else {
      const [contact] = sandbox.state.contacts.by('email', `${headquartersId}/${customer.email}`)
      if (contact === undefined) return
      const [card] = sandbox.state.opportunities.by('contact', contact.id)
      if (choice === 2) sandbox.updateContact(contact.id, { fields: { 'Happiness Level': pick(['Very Happy', 'Happy', 'Neutral', 'Not Happy']) } })
      else if (choice === 3 && card !== undefined) sandbox.moveCard(card.id, pick(['Very Happy', 'Happy', 'Neutral', 'Not Happy']))
      // Whom the agency knew before the product did is nobody to it until their first answer: what they write is not ours to keep.
      else if (choice === 4 && crowd.given.some((answer) => answer.customer === customer)) sandbox.reply(contact.id, `Hello ${count}`)
    }
  }

  const work = Promise.all([people(), ...Array.from({ length: atOnce }, (_, hand) => answers(hand))])
  return {
    async stop() {
      stopping.abort()
      await work
    },
  }
}

/** Calls that the product makes in so many milliseconds while nothing happens. */
export async function callsAtRest(world: World, forMs = 3_000): Promise<number> {
  world.sandbox.resetCalls()
  await sleep(forMs)
  return world.sandbox.calls.length
}
