/** Why somebody may look and not change. */
export const whyNot = {
  readOnly: 'You can look, not change: your role is read-only.',
  others: (name: string) => `You can look, not change: ${name} looks after this account. Ask them or a lead.`,
  nobodys: 'You can look, not change: nobody looks after this account yet. A lead can give it to you.',
  book: 'You change the accounts you look after; the others you can read.',
  cases: 'You work on your own cases and those of your accounts; the others you can read.',
}
