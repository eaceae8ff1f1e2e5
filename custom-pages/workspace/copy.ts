/** Words of the frame around the pages. */
export const copy = {
  tabs: { today: 'Today', accounts: 'Accounts', readings: 'Readings', 'follow-ups': 'Follow-ups', cases: 'Cases', 'set-up': 'Set-up', settings: 'Settings', operations: 'Operations', notifications: 'Notifications' },
  mainNavigation: 'Main',
  connecting: 'Opening your workspace',
  outside: {
    title: 'Open this page from the navigation',
    text: 'It works inside your CRM, where it can see who you are. In this window it cannot.',
  },
  refused: {
    title: 'You could not be signed in',
    text: 'Reload the page. If it stays like this, an agency admin can check the connection under Set-up.',
  },
  offline: { title: 'No connection', text: 'The server did not answer. Nothing is lost; try again in a moment.' },
  teamOnly: {
    title: 'This page is for the agency’s team',
    text: 'There is nothing you need to do here. To tell us how we are doing, use the feedback button at the bottom of your pages.',
  },
  tryAgain: 'Try again',
  unread: (count: number) => (count === 0 ? 'Notifications, none unread' : `Notifications, ${count} unread`),
  openCases: (count: number) => `${count} overdue`,
  offlineBanner: 'You are offline. What you see may be old; changes need a connection.',

  deedFields: {
    label: 'What we did about it',
    labelOptional: 'What we did about it (optional)',
    hint: 'One short sentence, as you would say it to them.',
    show: 'Show this to the customer',
    who: 'Every user of the account reads this sentence. Only the person who said something sees their own words beside it.',
  },
}
