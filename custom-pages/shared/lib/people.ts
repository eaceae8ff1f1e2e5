import type { AccountUser } from '../../../src/http/contract/accounts.ts'
import type { PromptInspection } from '../../../src/http/contract/feedback.ts'
import { client } from './services.ts'

/** A user of an account, with why they are asked or not and what they answered. */
export interface Person {
  user: AccountUser
  /** null when it could not be read; the rest of the list still shows. */
  inspection: PromptInspection | null
}

const shownAtOnce = 25

/** The first of an account's present users, by name. */
export async function readPeople(locationId: string): Promise<Person[]> {
  const path = `/api/accounts/${encodeURIComponent(locationId)}/users`
  const { items } = await client.get<{ items: AccountUser[] }>(path, { pageSize: shownAtOnce })
  const present = items.filter((user) => user.removedAt === null)
  const inspections = await Promise.allSettled(present.map((user) => client.get<PromptInspection>(`${path}/${encodeURIComponent(user.userId)}/prompt`)))
  return present.map((user, at): Person => {
    const read = inspections[at]
    return { user, inspection: read?.status === 'fulfilled' ? read.value : null }
  })
}

export function newestAnswer(person: Person): PromptInspection['history'][number] | undefined {
  return person.inspection?.history.find((entry) => entry.kind === 'answered')
}
