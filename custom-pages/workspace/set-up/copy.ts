/** Words of the Set-up page. */
export const copy = {
  title: 'Set-up',
  lead: (passed: number, all: number) => `${passed} of ${all} checks pass.${passed === all ? '' : ' Work that needs a failing part waits; nothing is lost.'}`,
  checks: 'Checks',
  checkAgain: 'Check again',
  checked: (time: string) => `Checked ${time}`,
  failed: 'Failed',
  passed: 'Passed',
  repair: 'Repair',
  repairing: 'Repairing',
  repaired: 'Repair done. The checks below are fresh.',
  progress: (accounts: string, users: string, running: boolean) => `${accounts} and ${users} read${running ? ' so far; reading goes on' : ''}.`,
  location: {
    title: 'Success location',
    why: 'The sub-account where your team works. Contacts, fields, tags, cards and messages are written there, never in a customer’s sub-account.',
    now: (name: string) => `Now: ${name}.`,
    find: 'Find a sub-account',
    label: 'Sub-account',
    choose: 'Choose this location',
    change: 'Change to this location',
    chosen: (name: string) => `${name} is your success location. Fields, tags and pipelines are being set up.`,
    notAdmin: 'Agency admins choose it. Ask one of them to open this page.',
    none: 'No sub-account matches. Check the spelling, or wait until all accounts are read.',
    pick: 'Pick one',
  },
  script: {
    title: 'Feedback button script',
    why: 'Paste it once into your agency’s custom code. It shows nothing in accounts where feedback is off.',
    copy: 'Copy',
    copied: 'Script copied. Paste it into your agency’s custom code.',
    notCopied: 'Copying is blocked in this window. Open “Show the script” and copy it by hand.',
    show: 'Show the script',
    failed: 'The script could not be loaded. Try again in a moment.',
    size: (kilobytes: string) => `One self-contained script, ${kilobytes} kB. It loads nothing else.`,
  },
  feedback: {
    title: 'Request feedback',
    on: (on: string, all: string) => `On in ${on} of ${all} accounts.`,
    chooseAccounts: 'Choose accounts',
  },
  names: {
    installation: 'Connected',
    success_location: 'Success location',
    location_access: 'Access to the success location',
    tags: 'Tags',
    'pipeline.happiness': 'Happiness Level pipeline',
    'pipeline.health': 'Company Health Status pipeline',
    accounts: 'Accounts read',
  } as Record<string, string>,
  /** `field.last_feedback` → Field “Last Feedback”. */
  nameOf(key: string): string {
    const known = copy.names[key]
    if (known !== undefined) return known
    const words = (key.split('.').at(-1) ?? key).replace(/[_:-]+/g, ' ')
    if (key.startsWith('field.')) return `Field “${words.replace(/\b\w/g, (letter) => letter.toUpperCase())}”`
    return words.charAt(0).toUpperCase() + words.slice(1)
  },
}
