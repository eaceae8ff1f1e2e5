import type { Account, AccountUser } from '../accounts/index.ts'
import type { ContactIdentity, WantedCard, WantedContact } from '../effects/index.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import { happinessLabels, type HappinessLevel } from '../kernel/levels.ts'
import type { PersonReading, ReadingRecord } from './model.ts'

/** The contact in the success location that stands for an account user. */
export function contactOf(account: Pick<Account, 'locationId' | 'name'>, user: AccountUser): ContactIdentity {
  return {
    subjectId: `user:${account.locationId}:${user.userId}`,
    locationId: account.locationId,
    email: user.email,
    firstName: user.firstName,
    lastName: user.lastName,
    phone: user.phone,
    companyName: account.name,
  }
}

function companyField(level: HappinessLevel | null): { companyHappinessLevel: string } {
  return { companyHappinessLevel: level === null ? '' : happinessLabels[level] }
}

/** Two processes may give out two readings of one account at once: the older one must not win because it came last. */
function asOf(companyId: string, account: Pick<Account, 'locationId'>, version: number): Required<Pick<WantedContact, 'asOf'>> {
  return { asOf: { source: `happiness:${companyId}:${account.locationId}`, version } }
}

/** Everything an answer says about its user's contact: one write. The comment always belongs to the level shown; '' clears an older one. */
export function wantedForAnswer(
  companyId: string,
  account: Account,
  user: AccountUser,
  person: PersonReading,
  comment: string | null,
  reading: Pick<ReadingRecord, 'level' | 'version'>,
  settings: AgencySettings,
): WantedContact {
  return {
    companyId,
    identity: contactOf(account, user),
    ...asOf(companyId, account, reading.version),
    fields: {
      happinessLevel: happinessLabels[person.level],
      happinessScore: settings.happiness.points[person.level],
      ...companyField(reading.level),
      lastFeedback: person.at.toISOString().slice(0, 10),
      lastFeedbackComment: comment ?? '',
    },
    tags: { happiness: settings.tags.happiness[person.level] },
    tagChoices: { happiness: Object.values(settings.tags.happiness) },
  }
}

/** The account's level on the contact of a colleague who did not answer just now. */
export function wantedForColleague(
  companyId: string,
  account: Account,
  user: AccountUser,
  reading: Pick<ReadingRecord, 'level' | 'version'>,
): WantedContact {
  return { companyId, identity: contactOf(account, user), ...asOf(companyId, account, reading.version), fields: companyField(reading.level) }
}

export function cardFor(companyId: string, account: Account, user: AccountUser, level: HappinessLevel): WantedCard {
  const contact = contactOf(account, user)
  return { companyId, pipeline: 'happiness', subjectId: contact.subjectId, contact, name: `${user.name} (${account.name})`, level }
}
