import { mentions, type ForgottenPerson } from '../kernel/forgotten.ts'
import type { NotificationModels } from './model.ts'

/** What stands where a person was named; the kind and the account still say what it was about. */
const forgottenWords = { title: 'About somebody who was forgotten', body: 'The details were removed with them.' }

/**
 * Takes a person out of what the team was told about their accounts: by their id, and by their name, address and number, for most sentences say nothing else.
 * A sentence about a namesake in the same account goes, too: too much is better than too little here. Idempotent.
 */
export async function forgetInNotices({ notices, notifications }: Pick<NotificationModels, 'notices' | 'notifications'>, { companyId, userId, locationIds, words }: ForgottenPerson): Promise<void> {
  const isAbout = mentions([userId, ...words])
  for await (const notice of notices.find({ companyId, locationId: { $in: locationIds } }, { key: 1, title: 1, body: 1, link: 1 }).lean().cursor()) {
    const { _id, key, title, body, link } = notice
    if (isAbout({ key, title, body, link })) await notices.updateOne({ _id, companyId }, { $set: { ...forgottenWords, link: null, key: `forgotten:${_id}` } })
  }
  for await (const line of notifications.find({ companyId, locationId: { $in: locationIds } }, { title: 1, body: 1, link: 1, keys: 1 }).lean().cursor()) {
    const { _id, title, body, link, keys } = line
    if (isAbout({ title, body, link })) await notifications.updateOne({ _id, companyId }, { $set: { ...forgottenWords, link: null } })
    if (isAbout(keys)) await notifications.updateOne({ _id, companyId }, { $set: { keys: keys.filter((key) => !isAbout(key)) } })
  }
}
