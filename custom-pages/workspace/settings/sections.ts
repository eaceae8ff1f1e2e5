/** By what control a member is changed. */
export type Control =
  | { as: 'number'; min: number; max: number; step?: 'any' }
  | { as: 'text'; lines?: 'many'; type?: 'email' | 'url'; most: number; none?: 'null' }
  | { as: 'switch' }
  | { as: 'choice' }
  | { as: 'time' }
  | { as: 'colour' }
  | { as: 'numbers' }
  | { as: 'weekdays' }
  | { as: 'staff' }
  | { as: 'reasons' }
  | { as: 'plans' }
  | { as: 'roles' }
  | { as: 'zone' }

export interface Field {
  path: string
  control: Control
}
export interface Group {
  key: string
  fields: Field[]
}

const field = (path: string, control: Control): Field => ({ path, control })
const count = (path: string, min: number, max: number): Field => field(path, { as: 'number', min, max })
const figure = (path: string): Field => field(path, { as: 'number', min: -1_000, max: 1_000, step: 'any' })
const words = (path: string, most: number): Field => field(path, { as: 'text', most })
const sentence = (path: string, most: number): Field => field(path, { as: 'text', lines: 'many', most })
const choice = (path: string): Field => field(path, { as: 'choice' })
const flag = (path: string): Field => field(path, { as: 'switch' })
const time = (path: string): Field => field(path, { as: 'time' })

const happinessDown = ['very_happy', 'happy', 'neutral', 'not_happy'] as const
const healthDown = ['thriving', 'healthy', 'steady', 'struggling'] as const

/** Which members stand in which section, in this order. */
export const formSections = {
  cadence: [
    { key: 'asking', fields: [flag('prompt.enabled'), choice('prompt.newAccounts'), count('prompt.newUserGraceDays', 0, 365)] },
    { key: 'clock', fields: [count('prompt.answeredDays', 1, 365), count('prompt.laterDays', 1, 365), count('prompt.closedDays', 1, 365)] },
    {
      key: 'ignored',
      fields: [
        count('prompt.ignoredDays', 1, 30), count('prompt.maxIgnoredDays', 1, 30), count('prompt.skippedCyclesBeforeBackOff', 1, 20),
        field('prompt.backOffDays', { as: 'numbers' }),
      ],
    },
    { key: 'answers', fields: [count('answers.editMinutes', 0, 1_440), count('answers.linkValidDays', 1, 90), count('answers.maxCommentLength', 100, 5_000)] },
  ],
  happiness: [
    { key: 'points', fields: happinessDown.map((level) => figure(`happiness.points.${level}`)) },
    { key: 'age', fields: [count('happiness.halfLifeDays', 1, 730), count('happiness.validDays', 1, 730)] },
    { key: 'cuts', fields: [...happinessDown.slice(0, 3).map((level) => figure(`happiness.cuts.${level}`)), figure('happiness.hysteresisPoints')] },
  ],
  health: [
    { key: 'stale', fields: healthDown.map((level) => count(`health.staleDays.${level}`, 1, 730)) },
    { key: 'reasons', fields: [field('health.reasonCodes', { as: 'reasons' }), count('health.maxReasonCodes', 0, 10)] },
    { key: 'note', fields: [count('health.minNoteLength', 0, 200)] },
  ],
  cases: [
    {
      key: 'cases',
      fields: [count('cases.dueHours', 1, 720), count('cases.escalateAfterHours', 1, 720), count('cases.remindDays', 0, 30), field('cases.leadUserIds', { as: 'staff' })],
    },
    { key: 'ownership', fields: [choice('ownership.newAccounts'), field('ownership.csmUserIds', { as: 'staff' })] },
    { key: 'plans', fields: [field('groups.plans', { as: 'plans' })] },
  ],
  messages: [
    { key: 'stop', fields: [flag('messages.paused')] },
    {
      key: 'sending',
      fields: [field('messages.replyTo', { as: 'text', type: 'email', most: 254, none: 'null' }), count('messages.holdSeconds', 0, 3_600), count('messages.onePerPersonDays', 0, 90)],
    },
    { key: 'quiet', fields: [flag('messages.quietHours.enabled'), time('messages.quietHours.from'), time('messages.quietHours.to')] },
    { key: 'business', fields: [field('messages.businessHours.weekdays', { as: 'weekdays' }), time('messages.businessHours.from'), time('messages.businessHours.to')] },
    {
      key: 'team',
      fields: [
        count('notices.gatherMinutes', 0, 60), time('notices.digestAt'), field('notices.zone', { as: 'zone' }), flag('notices.quietHours.enabled'),
        time('notices.quietHours.from'), time('notices.quietHours.to'), field('notices.workspaceUrl', { as: 'text', type: 'url', most: 500, none: 'null' }),
      ],
    },
  ],
  words: [
    {
      key: 'brand',
      fields: [words('brand.name', 60), words('brand.teamName', 60), field('brand.accentColour', { as: 'colour' }), field('brand.logoUrl', { as: 'text', type: 'url', most: 500, none: 'null' })],
    },
    { key: 'look', fields: [choice('widget.position'), choice('widget.theme'), choice('widget.language'), choice('widget.copyLanguage')] },
    { key: 'levels', fields: happinessDown.map((level) => words(`widget.levels.${level}`, 30)) },
    {
      key: 'question',
      fields: [
        words('widget.copy.button', 30), words('widget.copy.question', 120), words('widget.copy.againQuestion', 120), words('widget.copy.hint', 160), words('widget.copy.later', 40),
        words('widget.copy.close', 40),
      ],
    },
    {
      key: 'comment',
      fields: [
        ...happinessDown.map((level) => words(`widget.copy.commentLabels.${level}`, 120)), words('widget.copy.saved', 40), words('widget.copy.change', 40),
        words('widget.copy.send', 40), words('widget.copy.skip', 40),
      ],
    },
    {
      key: 'thanks',
      fields: [
        words('widget.copy.thanks', 120), sentence('widget.copy.thanksNext', 240), sentence('widget.copy.laterThanks', 240), words('widget.copy.answerNow', 40),
        sentence('widget.copy.offline', 240), sentence('widget.copy.refused', 240), words('widget.copy.retry', 40),
      ],
    },
  ],
  team: [{ key: 'roles', fields: [choice('team.everybodyElse'), field('team.people', { as: 'roles' })] }],
  crm: [
    { key: 'happinessTags', fields: happinessDown.map((level) => words(`tags.happiness.${level}`, 64)) },
    { key: 'healthTags', fields: healthDown.map((level) => words(`tags.health.${level}`, 64)) },
    { key: 'cards', fields: [flag('crm.recreateDeletedCards')] },
  ],
  privacy: [{ key: 'retention', fields: [count('data.retentionDays', 0, 365)] }],
} satisfies Record<string, Group[]>

export type FormSection = keyof typeof formSections
export const sectionNames = ['cadence', 'inspector', 'happiness', 'health', 'cases', 'messages', 'words', 'team', 'crm', 'privacy'] as const
export type SectionName = (typeof sectionNames)[number]

export function groupsOf(section: SectionName): readonly Group[] {
  return section === 'inspector' ? [] : formSections[section]
}

export function pathsOf(section: SectionName): string[] {
  return groupsOf(section).flatMap((group) => group.fields.map(({ path }) => path))
}
