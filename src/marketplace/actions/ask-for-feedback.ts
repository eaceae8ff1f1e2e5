import { RequestError } from '../../kernel/errors.ts'
import { badField, textOf, type ActionHandler } from './action.ts'

const longestNote = 500
const reasons: Record<string, string> = {
  case_open: 'Their Not Happy case is still open.',
  user_removed: 'They are no user of the account any more.',
}

/** Makes the prompt due for the person in every account that they belong to, and gives a one-tap link for the workflow's own message. */
export const askForFeedback: ActionHandler = async ({ companyId, data, standings, actor }, { feedback, accounts }) => {
  const note = textOf(data['note'])
  if (note.length > longestNote) throw badField('note', `must not be longer than ${longestNote} characters`)
  const people = standings.flatMap(({ account, userId }) => (userId === null ? [] : [{ account, userId }]))
  const [first] = people
  if (first === undefined) throw new RequestError(422, 'contact_is_an_account', 'This contact stands for an account and not for one of its people: there is nobody to ask.')
  let asked: { account: (typeof first)['account']; userId: string } | null = null
  let reason = ''
  for (const { account, userId } of people) {
    try {
      const { requested, skipped } = await feedback.prompts.requestNow(companyId, account.locationId, { userIds: [userId], ...(note === '' ? {} : { note }) }, actor, 'workflow')
      if (requested.includes(userId)) asked ??= { account, userId }
      else reason = reasons[skipped[0]?.reason ?? ''] ?? 'They cannot be asked now.'
    } catch (error) {
      // Feedback is off, or the account is churned: the workflow goes on and may branch by it.
      if (!(error instanceof RequestError) || error.status !== 409) throw error
      reason = error.message
    }
  }
  const about = asked ?? first
  const user = await accounts.user(companyId, about.account.locationId, about.userId)
  return {
    asked: asked === null ? 'no' : 'yes',
    reason: asked === null ? reason : '',
    feedbackLink: asked === null ? '' : await feedback.links.linkFor(companyId, asked.account.locationId, asked.userId),
    accountName: about.account.name,
    personName: user?.name ?? '',
  }
}
