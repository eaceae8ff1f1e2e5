import type { CrmContactInput } from '../highlevel/index.ts'
import { hashOf } from '../kernel/ids.ts'
import { forgotten, type ContactDifference } from './contact-rules.ts'
import type { ContactRecord } from './records.ts'
import type { ContactIdentity } from './types.ts'
import { newWanted } from './wanted-record.ts'

/** The address by which a person is found, as HighLevel keeps it. */
export function emailOf(identity: ContactIdentity): string | null {
  const email = identity.email?.trim().toLowerCase() ?? ''
  return email === '' ? null : email
}

export function sameIdentity(left: ContactIdentity, right: ContactIdentity): boolean {
  const members = ['subjectId', 'locationId', 'email', 'firstName', 'lastName', 'phone', 'companyName'] as const
  return members.every((member) => left[member] === right[member])
}

/** A record of which nothing is wanted yet. */
export function newContact(companyId: string, identity: ContactIdentity, now: Date): ContactRecord {
  const email = emailOf(identity)
  return {
    ...newWanted(hashOf('contact', companyId, email ?? identity.subjectId), companyId, now),
    subjects: [identity.subjectId],
    email,
    identity,
    wantedFields: {},
    wantedTags: {},
    ownValues: {},
    ownTags: {},
    ...forgotten,
  }
}

/** What a contact is made with. */
export function inputOf(identity: ContactIdentity, fields: ContactDifference['fields']): CrmContactInput {
  const { firstName, lastName, phone, companyName } = identity
  const email = emailOf(identity)
  return {
    ...(email === null ? {} : { email }),
    ...(firstName === null ? {} : { firstName }),
    ...(lastName === null ? {} : { lastName }),
    ...(phone === null ? {} : { phone }),
    companyName,
    customFields: fields.map(({ id, value }) => ({ id, value })),
  }
}
