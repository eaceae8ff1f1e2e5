import type { SectionName } from './sections.ts'

/** Words of one member. */
export interface FieldWords {
  label: string
  hint?: string
  /** After the number. */
  unit?: string
  options?: Record<string, string>
}

const happinessLabels = { very_happy: 'Very Happy', happy: 'Happy', neutral: 'Neutral', not_happy: 'Not Happy' }
const healthLabels = { thriving: 'Thriving', healthy: 'Healthy', steady: 'Steady', struggling: 'Struggling' }

function perLevel(path: string, labels: Record<string, string>, words: (label: string) => FieldWords): Record<string, FieldWords> {
  return Object.fromEntries(Object.entries(labels).map(([level, label]) => [`${path}.${level}`, words(label)]))
}

const languages = { en: 'English', es: 'Spanish', de: 'German', fr: 'French', pt: 'Portuguese', it: 'Italian', nl: 'Dutch', ar: 'Arabic' }

const teamRoles = {
  lead: 'Lead: works on all accounts; changes follow-ups if named below',
  csm: 'CSM: works on their own accounts and cases',
  read_only: 'Read only: sees everything, changes nothing',
}

/** By the path of the member. */
export const fieldWords: Record<string, FieldWords> = {
  'prompt.enabled': { label: 'Ask customers for feedback', hint: 'Off takes away every prompt and every feedback button at once, in all accounts.' },
  'prompt.newAccounts': {
    label: 'A new account’s people',
    hint: 'Accounts that are there already keep what they have.',
    options: { off: 'are not asked until you switch it on', on: 'are asked from the start' },
  },
  'prompt.newUserGraceDays': { label: 'A new person is left alone for', unit: 'days', hint: 'People who were there when you installed are not new.' },
  'prompt.answeredDays': { label: 'After an answer, ask again in', unit: 'days' },
  'prompt.laterDays': { label: 'After “Ask me later”, in', unit: 'days' },
  'prompt.closedDays': { label: 'After closing the card, in', unit: 'days' },
  'prompt.ignoredDays': { label: 'Not answered and not closed: show it again in', unit: 'days' },
  'prompt.maxIgnoredDays': { label: 'Show an ignored prompt on at most', unit: 'days', hint: 'Then this round is skipped.' },
  'prompt.skippedCyclesBeforeBackOff': { label: 'Ask less often after', unit: 'skipped rounds in a row' },
  'prompt.backOffDays': { label: 'Then pause for', unit: 'days', hint: 'The first pause, then each later one, with commas between. The last one repeats.' },
  'answers.editMinutes': { label: 'An answer can be changed for', unit: 'minutes' },
  'answers.linkValidDays': { label: 'A one-tap link works for', unit: 'days' },
  'answers.maxCommentLength': { label: 'Longest comment', unit: 'characters' },

  ...perLevel('happiness.points', happinessLabels, (label) => ({ label, unit: 'points' })),
  'happiness.halfLifeDays': { label: 'An answer counts half after', unit: 'days' },
  'happiness.validDays': { label: 'An answer no longer counts after', unit: 'days' },
  'happiness.cuts.very_happy': { label: 'Very Happy from', unit: 'points' },
  'happiness.cuts.happy': { label: 'Happy from', unit: 'points' },
  'happiness.cuts.neutral': { label: 'Neutral from', unit: 'points', hint: 'Below it is Not Happy.' },
  'happiness.hysteresisPoints': { label: 'Change only when past a limit by', unit: 'points', hint: 'Keeps an account between two levels from going back and forth.' },

  ...perLevel('health.staleDays', healthLabels, (label) => ({ label: `${label} needs a look after`, unit: 'days' })),
  'health.reasonCodes': { label: 'Reasons to choose from', hint: 'A reason that is taken away stays readable in what was written with it.' },
  'health.maxReasonCodes': { label: 'Reasons per change, at most', unit: 'reasons' },
  'health.minNoteLength': { label: 'A note has at least', unit: 'characters' },

  'cases.dueHours': { label: 'A Not Happy case should be closed within', unit: 'hours' },
  'cases.escalateAfterHours': { label: 'Tell the leads when it is late by', unit: 'hours' },
  'cases.remindDays': { label: 'Then tell them again on', unit: 'days', hint: 'Once a day while the case stays open; 0 for never.' },
  'cases.leadUserIds': { label: 'Leads', hint: 'Nobody chosen means the agency’s admins.' },
  'ownership.newAccounts': { label: 'A new account goes to', options: { nobody: 'nobody, until you choose', round_robin: 'the next in turn', least_loaded: 'whoever has the fewest accounts' } },
  'ownership.csmUserIds': { label: 'Among' },
  'team.everybodyElse': { label: 'Everybody of your team', options: teamRoles, hint: 'Whoever has no role of their own below. Nobody changes follow-ups by this: only a lead who is named does.' },
  'team.people': { label: 'Roles of their own', hint: 'Agency admins in your CRM may do everything here, whatever their role.' },
  'groups.plans': { label: 'Plans', hint: 'A plan that is not listed makes an account a SaaS customer.' },

  'messages.paused': { label: 'Stop every message to customers', hint: 'What is due waits, and goes out when you switch this off. Notifications to your team go on.' },
  'messages.replyTo': { label: 'Replies go to', hint: 'An e-mail address. Left empty, replies go where your CRM sends them.' },
  'messages.holdSeconds': { label: 'Hold a message before it is sent for', unit: 'seconds', hint: 'Time in which you can still stop it.' },
  'messages.onePerPersonDays': { label: 'At most one message per person in', unit: 'days', hint: 'Over all follow-ups; 0 for no limit.' },
  'messages.quietHours.enabled': { label: 'No messages to customers at night', hint: 'In the time zone of whoever gets the message.' },
  'messages.quietHours.from': { label: 'From' },
  'messages.quietHours.to': { label: 'Until' },
  'messages.businessHours.weekdays': { label: 'Working days' },
  'messages.businessHours.from': { label: 'From' },
  'messages.businessHours.to': { label: 'Until' },
  'notices.gatherMinutes': { label: 'Gather what happens in one account for', unit: 'minutes', hint: 'Then it is one e-mail, chat message or task.' },
  'notices.digestAt': { label: 'Digests come at', hint: 'The weekly one on Mondays.' },
  'notices.zone': { label: 'Time zone of people who chose none' },
  'notices.quietHours.enabled': { label: 'Quiet hours for the team' },
  'notices.quietHours.from': { label: 'Quiet from' },
  'notices.quietHours.to': { label: 'Quiet until' },
  'notices.workspaceUrl': { label: 'Where your team opens this page', hint: 'The address in your CRM, for links in e-mails and chats. Left empty, there are no links.' },

  'brand.name': { label: 'Name', hint: 'What customers and your team see.' },
  'brand.teamName': { label: 'Who reads the answers', hint: 'As customers know you, for example “Priya’s team”.' },
  'brand.accentColour': { label: 'Colour', hint: 'Buttons and links. Levels keep their own colours.' },
  'brand.logoUrl': { label: 'Logo', hint: 'An https address of a picture, for e-mails, the answer page and the customers’ card.' },
  'widget.position': { label: 'The button is at the', options: { bottom_right: 'bottom right', bottom_left: 'bottom left' } },
  'widget.theme': { label: 'Light or dark', options: { auto: 'as the page around it', light: 'always light', dark: 'always dark' } },
  'widget.language': { label: 'Customers read', options: { auto: 'their own language', ...languages } },
  'widget.copyLanguage': { label: 'Your words below are in', hint: 'Whoever reads another language gets our words in it.', options: languages },
  ...perLevel('widget.levels', happinessLabels, (label) => ({ label: `Instead of “${label}”` })),
  'widget.copy.button': { label: 'Button' },
  'widget.copy.question': { label: 'First question' },
  'widget.copy.againQuestion': { label: 'Question to someone who answered before' },
  'widget.copy.hint': { label: 'Below the faces' },
  'widget.copy.later': { label: 'Puts it off' },
  'widget.copy.close': { label: 'Closes the card', hint: 'Read out, not shown.' },
  ...perLevel('widget.copy.commentLabels', happinessLabels, (label) => ({ label: `Question after “${label}”` })),
  'widget.copy.saved': { label: 'It is saved' },
  'widget.copy.change': { label: 'Changes the answer' },
  'widget.copy.send': { label: 'Sends the comment' },
  'widget.copy.skip': { label: 'Leaves it out' },
  'widget.copy.thanks': { label: 'Thanks' },
  'widget.copy.thanksNext': { label: 'What comes next', hint: '{days} becomes the days until the next question.' },
  'widget.copy.laterThanks': { label: 'After putting it off' },
  'widget.copy.answerNow': { label: 'Takes that back' },
  'widget.copy.offline': { label: 'Without a connection' },
  'widget.copy.refused': { label: 'The answer was not taken' },
  'widget.copy.retry': { label: 'Tries again' },

  ...perLevel('tags.happiness', happinessLabels, (label) => ({ label })),
  ...perLevel('tags.health', healthLabels, (label) => ({ label })),
  'crm.recreateDeletedCards': { label: 'Make a deleted card again at the next change' },
  'data.retentionDays': { label: 'Keep the records for', unit: 'days', hint: 'Installed again within that time, everything is still there. After it, everything is deleted.' },
}

export interface SectionWords {
  name: string
  lead: string
  groups: Record<string, { title: string; text?: string }>
}

export const sections: Record<SectionName, SectionWords> = {
  cadence: {
    name: 'Asking',
    lead: 'Who is asked, and how often.',
    groups: {
      asking: { title: 'Who is asked' },
      clock: { title: 'When somebody is asked again', text: 'Every person has one clock, whichever account or browser they use.' },
      ignored: { title: 'When nobody reacts' },
      answers: { title: 'Answers' },
    },
  },
  inspector: { name: 'Why asked, or not', lead: 'Choose a person to see what decides.', groups: {} },
  happiness: {
    name: 'Happiness',
    lead: 'How answers become an account’s Happiness Level.',
    groups: {
      points: {
        title: 'What an answer is worth',
        text: 'The account’s figure is the mean of its people’s newest answers. A fresh answer weighs more than an old one.',
      },
      age: { title: 'How long an answer counts' },
      cuts: { title: 'From figure to level', text: 'An account gets the level whose limit its figure reaches. No valid answer is no reading, never Neutral.' },
    },
  },
  health: {
    name: 'Health Status',
    lead: 'The status that your team sets by hand.',
    groups: {
      stale: { title: 'When a status is stale', text: 'Counted from when somebody set it or said that it is still true.' },
      reasons: { title: 'Reasons for a change' },
      note: { title: 'Note with a change' },
    },
  },
  cases: {
    name: 'Cases and owners',
    lead: 'Who takes care of what, and by when.',
    groups: { cases: { title: 'Not Happy cases' }, ownership: { title: 'Owners of new accounts' }, plans: { title: 'Plans and groups', text: 'Which plans make an account a SaaS customer.' } },
  },
  messages: {
    name: 'Messages',
    lead: 'How follow-ups reach customers, and notifications your team.',
    groups: {
      stop: { title: 'Emergency stop' },
      sending: { title: 'Sending' },
      quiet: { title: 'Quiet hours' },
      business: { title: 'Business hours', text: 'Follow-ups may wait for them, in the time zone of whoever gets the message.' },
      team: { title: 'Notifications to the team', text: 'For everybody who did not choose for themselves.' },
    },
  },
  words: {
    name: 'Words and brand',
    lead: 'What customers read, in your words and your colour.',
    groups: {
      brand: { title: 'Brand' },
      look: { title: 'Feedback card' },
      levels: { title: 'Words under the faces', text: 'For customers only. Your team and your CRM keep the four levels’ own names.' },
      question: { title: 'Question' },
      comment: { title: 'Comment' },
      thanks: { title: 'Thanks, and when something is wrong' },
    },
  },
  team: {
    name: 'Roles',
    lead: 'What the people of your team may change.',
    groups: { roles: { title: 'Your team' } },
  },
  crm: {
    name: 'Tags and cards',
    lead: 'What is written into your CRM.',
    groups: {
      happinessTags: { title: 'Tags for happiness', text: 'On the contact of each person. Your CRM writes tags in lower case.' },
      healthTags: { title: 'Tags for Health Status' },
      cards: { title: 'Cards' },
    },
  },
  privacy: {
    name: 'Privacy and data',
    lead: 'Take your data with you, or forget a person.',
    groups: { retention: { title: 'When the app is removed' } },
  },
}

/** Words of the Settings page. */
export const copy = {
  title: 'Settings',
  navigation: 'Sections of the settings',
  adminsOnly: { title: 'Settings are for agency admins', text: 'Someone with the admin role can change these, or change your role.' },
  unsaved: 'not saved',
  save: (count: number) => (count === 1 ? 'Save 1 change' : `Save ${count} changes`),
  discard: 'Discard',
  saving: 'Saving',
  waiting: (count: number) => (count === 1 ? '1 change is not saved.' : `${count} changes are not saved.`),
  saved: (section: string) => `${section}: saved.`,
  notSaved: 'Not saved. See what is marked above.',
  default: (value: string) => `Default: ${value}`,
  back: 'Back to the default',
  backOf: (label: string) => `${label}: back to the default`,
  empty: 'empty',
  on: 'on',
  off: 'off',
  nobody: 'nobody',
  defaultList: (count: number) => (count === 1 ? '1 entry' : `${count} entries`),
  weekdays: { 1: 'Mon', 2: 'Tue', 3: 'Wed', 4: 'Thu', 5: 'Fri', 6: 'Sat', 7: 'Sun' } as Record<number, string>,
  zoneDefault: 'As the success location has it',
  staffGone: (id: string) => `Somebody who left (${id})`,
  staffNone: 'Nobody of your team is known yet.',
  staff: 'Your team',

  roles: {
    of: (name: string) => `Role of ${name}`,
    options: { lead: 'Lead', csm: 'CSM', read_only: 'Read only' },
    same: 'as everybody',
    admin: 'Agency admin',
  },

  reasons: {
    name: (at: number) => `Reason ${at}`,
    add: 'Add a reason',
    remove: (label: string) => `Remove ${label}`,
    up: (label: string) => `Move ${label} up`,
    down: (label: string) => `Move ${label} down`,
    unnamed: 'the new reason',
    none: 'No reasons. A note is all that is asked for.',
  },
  plans: {
    id: 'Plan id in your CRM',
    label: 'Name',
    group: 'Counts as',
    groups: { saas: 'SaaS', regular: 'Regular' },
    add: 'Add a plan',
    remove: (label: string) => `Remove ${label}`,
    unnamed: 'the new plan',
    none: 'None listed: every plan makes a SaaS customer.',
  },

  colour: {
    pick: 'Pick a colour',
    notOne: 'A colour as #rrggbb is checked here.',
    onButton: (ratio: string) => `White on this colour: ${ratio} to 1, easy to read.`,
    onButtonRepaired: (ratio: string, ink: string) => `White on this colour is hard to read (${ratio} to 1), so words on buttons become ${ink}.`,
    link: (ground: string, ratio: string) => `As a link on ${ground}: ${ratio} to 1, easy to read.`,
    linkRepaired: (ground: string, ratio: string, ink: string) => `As a link on ${ground} it is hard to read (${ratio} to 1), so links become ${ink} there.`,
    grounds: { light: 'white', dark: 'dark' },
    black: 'near-black',
    needs: 'Needed: 4.5 to 1.',
  },

  preview: {
    title: 'What customers see',
    note: (language: string) => `In ${language}, with what you typed and did not save yet.`,
    steps: { ask: 'Question', comment: 'Comment', thanks: 'Thanks' },
    step: 'Step',
    theme: 'Shown',
    themes: { light: 'Light', dark: 'Dark' },
    again: 'Answered before',
    comment: 'Comment',
    left: 'The button is at the bottom left.',
    right: 'The button is at the bottom right.',
  },

  tryLevel: {
    title: 'Try it',
    text: 'Three people’s newest answers, with the figures above as you typed them.',
    person: (at: number) => `Person ${at}`,
    answer: 'Answered',
    none: 'nothing',
    age: 'Days ago',
    before: 'Level before',
    noBefore: 'none yet',
    becomes: 'The account is',
    noReading: 'No reading: no answer counts.',
    score: (figure: string) => `Figure ${figure}`,
    plain: (level: string) => `By the limits alone it would be ${level}; it is not far enough past the limit to change.`,
    weight: (share: string) => `counts ${share}`,
    expired: 'too old, does not count',
  },

  picker: {
    find: 'Find an account',
    account: 'Account',
    noAccount: 'No account has this in its name.',
    findPerson: 'Find a person',
    person: 'Person',
    pick: 'Choose one',
    noPerson: 'Nobody here has this in their name.',
    left: (name: string) => `${name} (left)`,
  },

  export: {
    title: 'Take your data with you',
    text: 'Everything that is kept here: people, answers, cases, what you did about them, status changes, hours, points and what happened when. The agency’s file has the settings and the team, too. Follow-ups have files of their own, on their page.',
    find: 'Find an account',
    of: 'Data of',
    everything: 'The whole agency',
    json: 'Everything, as JSON',
    csv: 'The answers, as CSV',
    working: 'Making the file',
    fileName: (format: string, isAccount: boolean) => `${format === 'csv' ? 'answers' : isAccount ? 'account' : 'agency'}.${format}`,
  },

  forget: {
    title: 'Forget a person',
    text: 'For somebody at a customer who asks for it. Somebody who left can be forgotten, too.',
    crm: 'What is in your CRM is yours and stays there: their contact, card, notes and conversations. If they asked for all of it, delete those in your CRM, too.',
    ask: (name: string) => `Forget ${name}`,
    askNobody: 'Choose a person first',
    question: (name: string) => `Forget ${name}?`,
    goesTitle: 'This goes now, in every account that they are in',
    goes: [
      'Name, e-mail address and phone number',
      'Comments to their answers; open cases are closed',
      'What you did about it, where it names them',
      'When they were asked, seen, and what was written to them',
      'What notifications and the timeline say about them',
      'Messages to them that have not left yet',
    ],
    staysTitle: 'This stays',
    stays: ['The levels and points of their answers, as figures of nobody', 'That somebody was forgotten, when, and by whom it was asked for', 'Notes that your team wrote about an account: look through them yourself', 'Everything in your CRM'],
    forGood: 'It cannot be undone. They are not taken in again, even if your CRM still has them: they see no feedback button and are not asked.',
    go: (name: string) => `Forget ${name} for good`,
    cancel: 'Cancel',
    working: 'Forgetting',
    done: 'The person is forgotten.',
    begun: 'This takes a while. It goes on by itself; you can close the page.',
    past: 'Forgotten so far',
    pastOne: (time: string, accounts: number) => `${time}, in ${accounts === 1 ? '1 account' : `${accounts} accounts`}`,
    states: { working: 'under way', checking: 'gone; looked through once more soon', done: 'done' },
  },

  inspector: {
    title: 'Why was this person asked, or not?',
    startTitle: 'Choose an account and a person',
    startText: 'You see what decides whether they are asked, in order, and what they saw.',
    asked: (name: string) => `${name} is asked at the next visit`,
    notAsked: (name: string) => `${name} is not asked now`,
    next: (time: string) => `Next: ${time}.`,
    never: 'No time is set: it waits for a person.',
    clock: (time: string) => `The clock alone would ask ${time}.`,
    openCase: 'Open the case',
    gates: 'Every condition, in order',
    checked: (time: string, zone: string) => `Checked ${time}. Days are counted in ${zone}.`,
    passed: 'Passed',
    stopped: 'Stops here',
    notReached: 'Not met either',
    saw: (name: string) => `What ${name} saw`,
    sawNothing: 'Nothing yet.',
    kinds: { answered: 'Answered', shown: 'Saw the prompt', later: 'Chose “Ask me later”', closed: 'Closed the card' },
    sources: { widget: 'asked by the prompt', button: 'unasked, from the button', link: 'by one-tap link' },
    wording: 'The words they get',
    wordingText: (question: string) => `“${question}”`,
    again: 'They answered before.',
    first: 'It is their first time.',
  },
}

/** Spoken language of the preview. */
export const languageNames: Record<string, string> = languages
