import type { Collection } from 'mongodb'
import { mentions, type ForgottenPerson } from '../kernel/forgotten.ts'
import type { LeasedQueue } from '../store/index.ts'
import { forgotten } from './contact-rules.ts'
import type { ContactRecord } from './records.ts'
import type { OutboxItem } from './types.ts'
import type { WantedRecord } from './wanted-record.ts'
import type { WantedStore } from './wanted-store.ts'

/** Where something about a person is kept in this room. */
export interface PersonTraces {
  contacts: Collection<WantedRecord>
  contactStore: Pick<WantedStore<ContactRecord>, 'mutate'>
  cards: Collection<WantedRecord>
  outbox: LeasedQueue<OutboxItem>
}

/**
 * Takes away what we know of a person's contact and card, and whatever was still to be sent to them. Nothing in HighLevel changes: what is there is the
 * agency's. A contact that several people share stays for the others, without the name of this one. Idempotent.
 * @param isLast everything that follows from their leaving has been worked through
 */
export async function forgetPerson({ contacts, contactStore, cards, outbox }: PersonTraces, { companyId, userId, locationIds }: ForgottenPerson, isLast: boolean): Promise<void> {
  const subjects = locationIds.map((locationId) => `user:${locationId}:${userId}`)
  const isAbout = mentions([userId])
  await outbox.rewrite(companyId, ({ data }) => (isAbout(data) ? 'remove' : null))
  await cards.deleteMany({ companyId, subjectId: { $in: subjects } })
  // Until then an account's card may move over to the contact of whoever is the first one now.
  if (isLast) await cards.deleteMany({ companyId, 'identity.subjectId': { $in: subjects } })
  const found = (await contacts.find({ companyId, subjects: { $in: subjects } }).toArray()) as ContactRecord[]
  for (const record of found) {
    const [other] = record.subjects.filter((subject) => !subjects.includes(subject))
    if (other === undefined) await contacts.deleteOne({ _id: record._id, companyId })
    else await contactStore.mutate(record._id, (now) => withoutPerson(now, subjects))
  }
}

function withoutPerson(record: ContactRecord, forgottenSubjects: readonly string[]): Partial<ContactRecord> | null {
  const subjects = record.subjects.filter((subject) => !forgottenSubjects.includes(subject))
  const [subjectId] = subjects
  if (subjectId === undefined || subjects.length === record.subjects.length) return null
  const { seen, known } = forgotten
  const locationId = subjectId.split(':')[1] ?? record.identity.locationId
  const isTheirs = forgottenSubjects.includes(record.identity.subjectId)
  const identity = isTheirs ? { ...record.identity, subjectId, locationId, firstName: null, lastName: null, phone: null } : record.identity
  return { subjects, identity, ...(isTheirs ? { known, seen, verify: true } : {}) }
}
