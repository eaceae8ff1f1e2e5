import { z } from 'zod'
import { channelChoice } from './notice-choice.ts'
import { defaultChoices, noticeKinds, noticeRhythms, type NoticeKind, type NoticeRhythm } from './notice-kinds.ts'
import { zoneName } from './zone.ts'

/**
 * Everything an agency may change about the two readings, with its default. Stored settings keep only what differs
 * from the default, so that a customised value stays distinguishable from an inherited one.
 */

const days = (max: number) => z.number().int().min(1).max(max)
const line = (max: number) => z.string().trim().min(1).max(max)
const tag = line(64).transform((name) => name.toLowerCase())
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day as HH:MM, for example 08:00')
const points = z.number().int().min(-1_000).max(1_000)
const colour = z.string().regex(/^#[0-9a-f]{6}$/i, 'must be a colour as #rrggbb')

const prompt = z.strictObject({
  /** Master switch of prompts and of the feedback button for the whole agency. */
  enabled: z.boolean(),
  /** Days after an answer until the user is asked again. */
  answeredDays: days(365),
  /** Days until asked again after "ask me later". */
  laterDays: days(365),
  /** Days until asked again after closing the prompt. */
  closedDays: days(365),
  /** Days until shown again after a prompt that was neither answered nor closed. */
  ignoredDays: days(30),
  /** Distinct days on which an ignored prompt is shown before the cycle is skipped. */
  maxIgnoredDays: days(30),
  /** Skipped cycles in a row after which the pause grows. */
  skippedCyclesBeforeBackOff: days(20),
  /** Pauses in days once that many cycles were skipped: the first, then each later one (the last repeats). */
  backOffDays: z.array(days(730)).min(1).max(6),
  /** No prompt in a new user's first days; people present at the first mirror are not new. */
  newUserGraceDays: z.number().int().min(0).max(365),
  /** Who sees a prompt on an account that has just been created: nobody until switched on, or everybody. */
  newAccounts: z.enum(['off', 'on']),
})

const answers = z.strictObject({
  /** Minutes in which the user may change an answer. */
  editMinutes: z.number().int().min(0).max(1_440),
  /** Days for which a one-tap link works. */
  linkValidDays: days(90),
  /** Longest comment, in characters. */
  maxCommentLength: z.number().int().min(100).max(5_000),
})

const happiness = z.strictObject({
  /** Points of one answer; also booked in the ledger. */
  points: z.strictObject({ very_happy: points, happy: points, neutral: points, not_happy: points }),
  /** An answer's weight halves every so many days. */
  halfLifeDays: days(730),
  /** An answer is ignored once it is this old. */
  validDays: days(730),
  /** Lowest H of each level; below `neutral` is Not Happy. */
  cuts: z.strictObject({ very_happy: z.number(), happy: z.number(), neutral: z.number() }),
  /** Points that H must be past a cut before the level crosses it. */
  hysteresisPoints: z.number().min(0).max(50),
})

/** Points and cuts must fall from the best level to the worst, or levels would mean nothing. */
function checkScale({ cuts, points: scale }: z.output<typeof happiness>, context: z.RefinementCtx, at: string[] = []): void {
  if (!(cuts.very_happy > cuts.happy && cuts.happy > cuts.neutral)) {
    context.addIssue({ code: 'custom', path: [...at, 'cuts'], message: 'must fall from very_happy through happy to neutral' })
  }
  if (!(scale.very_happy > scale.happy && scale.happy > scale.neutral && scale.neutral > scale.not_happy)) {
    context.addIssue({ code: 'custom', path: [...at, 'points'], message: 'must fall from very_happy through happy and neutral to not_happy' })
  }
}
/** The rules of the Happiness Level on their own. */
export const happinessRules = happiness.superRefine((rules, context) => checkScale(rules, context))

const cases = z.strictObject({
  /** Hours in which a Not Happy case should be closed. */
  dueHours: z.number().int().min(1).max(720),
  /** Hours after that until the leads are told that it is still open. */
  escalateAfterHours: z.number().int().min(1).max(720),
  /** Days on which they are then told once more each, while it stays open; 0 for none. */
  remindDays: z.number().int().min(0).max(30),
  /** Who leads the customer success managers; user ids of the agency's staff, empty → its admins. */
  leadUserIds: z.array(z.string().min(1).max(64)).max(50),
})

const byKind = <T extends z.ZodType>(value: T) => z.strictObject(Object.fromEntries(noticeKinds.map((kind) => [kind, value])) as Record<NoticeKind, T>)

const notices = z.strictObject({
  /** What reaches people by kind and channel until they choose for themselves. */
  kinds: byKind(channelChoice),
  /** What is posted in the agency's shared chat, once for everybody. */
  agencyChat: byKind(z.enum(noticeRhythms)),
  /** Minutes in which what happens in one account is one e-mail, chat message or task. */
  gatherMinutes: z.number().int().min(0).max(60),
  /** When digests come, in the person's zone; the weekly one on Mondays. */
  digestAt: clockTime,
  /** E-mails, chat messages and tasks wait from `from` until `to` in the person's zone. */
  quietHours: z.strictObject({ enabled: z.boolean(), from: clockTime, to: clockTime }),
  /** IANA zone of people who chose none; null → that of the success location. */
  zone: zoneName.nullable(),
  /** Where the team opens the workspace, for the link in e-mails and chat messages; null → no link. */
  workspaceUrl: z.url({ protocol: /^https$/, error: 'must be an https address' }).max(500).nullable(),
})

const health = z.strictObject({
  /** Days after which a status that nobody confirmed is stale. */
  staleDays: z.strictObject({ thriving: days(730), healthy: days(730), steady: days(730), struggling: days(730) }),
  /** Reasons a CSM can pick with a change. */
  reasonCodes: z.array(z.strictObject({ code: z.string().regex(/^[a-z][a-z0-9_]{1,39}$/, 'must be lower-case letters, digits and underscores'), label: line(60) })).max(30),
  maxReasonCodes: z.number().int().min(0).max(10),
  /** Shortest note with a change made in Barometer, in characters. */
  minNoteLength: z.number().int().min(0).max(200),
})

const ownership = z.strictObject({
  /** Who gets an account that has just been created: nobody, the next in turn, or who has the fewest. */
  newAccounts: z.enum(['nobody', 'round_robin', 'least_loaded']),
  /** Among whom; user ids of the agency's staff. */
  csmUserIds: z.array(z.string().min(1).max(64)).max(100),
})

/** What somebody of the agency may do, beside its admins, who may do everything. */
export const teamRoles = ['lead', 'csm', 'read_only'] as const
export type TeamRole = (typeof teamRoles)[number]

const team = z.strictObject({
  /** Role of everybody of the agency whom `people` does not name. Who may change follow-ups is always named. */
  everybodyElse: z.enum(teamRoles),
  people: z.array(z.strictObject({ userId: z.string().min(1).max(64), role: z.enum(teamRoles) })).max(500),
})

const groups = z.strictObject({
  /** Plans that make an account a SaaS customer or not, by the plan's id; a plan that is not listed counts as SaaS. */
  plans: z.array(z.strictObject({ planId: line(100), label: line(60), group: z.enum(['saas', 'regular']) })).max(100),
})

const tags = z.strictObject({
  /** Tag on the contact of a user with this level. HighLevel stores tags in lower case. */
  happiness: z.strictObject({ very_happy: tag, happy: tag, neutral: tag, not_happy: tag }),
  health: z.strictObject({ thriving: tag, healthy: tag, steady: tag, struggling: tag }),
})

const crm = z.strictObject({
  /** Whether a card that a person deleted is created again at the next change. */
  recreateDeletedCards: z.boolean(),
})

const messages = z.strictObject({
  /** Address that customers' replies go to; null → HighLevel's own. */
  replyTo: z.email().nullable(),
  /** Seconds a message is held before it is sent, so that it can be stopped. */
  holdSeconds: z.number().int().min(0).max(3_600),
  /** At most one message per person in this many days, across all follow-ups. */
  onePerPersonDays: z.number().int().min(0).max(90),
  /** No messages to customers from `from` until `to`, in the recipient's zone. */
  quietHours: z.strictObject({ enabled: z.boolean(), from: clockTime, to: clockTime }),
  /** When business is done; follow-ups may wait for it, in the recipient's zone. Days of the week from 1, Monday, to 7. */
  businessHours: z.strictObject({ from: clockTime, to: clockTime, weekdays: z.array(z.number().int().min(1).max(7)).min(1).max(7) }),
  /** Stops every message to customers at once. */
  paused: z.boolean(),
})

/** Languages in which customers read the widget and the one-tap page. */
export const customerLanguages = ['en', 'es', 'de', 'fr', 'pt', 'it', 'nl', 'ar'] as const
export type CustomerLanguage = (typeof customerLanguages)[number]

const widget = z.strictObject({
  /** `auto`: each reader's own language, where there are words in it. */
  language: z.enum(['auto', ...customerLanguages]),
  /** The language in which `copy` and `levels` below are written; readers of other languages get the product's words. */
  copyLanguage: z.enum(customerLanguages),
  position: z.enum(['bottom_right', 'bottom_left']),
  theme: z.enum(['auto', 'light', 'dark']),
  copy: z.strictObject({
    button: line(30),
    question: line(120),
    againQuestion: line(120),
    hint: z.string().trim().max(160),
    later: line(40),
    close: line(40),
    saved: line(40),
    change: line(40),
    send: line(40),
    skip: line(40),
    thanks: line(120),
    /** `{days}` becomes the days until the user is asked again. */
    thanksNext: z.string().trim().max(240),
    laterThanks: line(240),
    /** Takes back "ask me later". */
    answerNow: line(40),
    commentLabels: z.strictObject({ very_happy: line(120), happy: line(120), neutral: line(120), not_happy: line(120) }),
    offline: line(240),
    /** The server will not take this answer. */
    refused: line(240),
    retry: line(40),
  }),
  /** Words under the four faces, in the customer's language. Fields and stages in HighLevel keep the product's words. */
  levels: z.strictObject({ very_happy: line(30), happy: line(30), neutral: line(30), not_happy: line(30) }),
})

const brand = z.strictObject({
  /** Name that customers and the team see. */
  name: line(60),
  /** The team that reads the answers, as customers know it. */
  teamName: line(60),
  accentColour: colour,
  logoUrl: z.url({ protocol: /^https$/, error: 'must be an https address' }).nullable(),
})

const data = z.strictObject({
  /** Days for which the agency's records are kept after the app was removed. */
  retentionDays: z.number().int().min(0).max(365),
})

const sections = { prompt, answers, happiness, cases, health, ownership, team, groups, tags, crm, messages, notices, widget, brand, data }

/** The complete settings of one agency. */
export const agencySettings = z.strictObject(sections).superRefine((settings, context) => {
  checkScale(settings.happiness, context, ['happiness'])
  for (const group of ['happiness', 'health'] as const) {
    if (new Set(Object.values(settings.tags[group])).size < 4) context.addIssue({ code: 'custom', path: ['tags', group], message: 'needs four different tags' })
  }
  const { businessHours } = settings.messages
  if (businessHours.from >= businessHours.to) context.addIssue({ code: 'custom', path: ['messages', 'businessHours', 'to'], message: 'must be later than from: business hours do not go over midnight' })
  settings.team.people.forEach(({ userId }, index, people) => {
    if (people.findIndex((other) => other.userId === userId) < index) context.addIssue({ code: 'custom', path: ['team', 'people', index, 'userId'], message: 'has a role already: name everybody once' })
  })
  const codes = settings.health.reasonCodes.map((reason) => reason.code)
  if (new Set(codes).size < codes.length) context.addIssue({ code: 'custom', path: ['health', 'reasonCodes'], message: 'needs a different code for every reason' })
})
export type AgencySettings = z.output<typeof agencySettings>

/** What an agency has before it changes anything. The numbers are the product's rules. */
export const defaultAgencySettings: AgencySettings = {
  prompt: {
    enabled: true,
    answeredDays: 30,
    laterDays: 3,
    closedDays: 14,
    ignoredDays: 1,
    maxIgnoredDays: 3,
    skippedCyclesBeforeBackOff: 2,
    backOffDays: [60, 90],
    newUserGraceDays: 7,
    newAccounts: 'off',
  },
  answers: { editMinutes: 10, linkValidDays: 14, maxCommentLength: 2_000 },
  happiness: {
    points: { very_happy: 50, happy: 25, neutral: -25, not_happy: -50 },
    halfLifeDays: 60,
    validDays: 90,
    cuts: { very_happy: 37.5, happy: 0, neutral: -37.5 },
    hysteresisPoints: 5,
  },
  cases: { dueHours: 24, escalateAfterHours: 24, remindDays: 7, leadUserIds: [] },
  health: {
    staleDays: { thriving: 30, healthy: 60, steady: 60, struggling: 21 },
    reasonCodes: [
      { code: 'funding_round', label: 'Funding round' },
      { code: 'budget_constraints', label: 'Budget constraints' },
      { code: 'expansion_plans', label: 'Expansion plans' },
      { code: 'cost_cutting', label: 'Cost cutting' },
      { code: 'market_challenges', label: 'Market challenges' },
      { code: 'revenue_growth', label: 'Revenue growth' },
    ],
    maxReasonCodes: 3,
    minNoteLength: 3,
  },
  ownership: { newAccounts: 'nobody', csmUserIds: [] },
  team: { everybodyElse: 'lead', people: [] },
  groups: { plans: [] },
  tags: {
    happiness: { very_happy: 'happiness: very happy', happy: 'happiness: happy', neutral: 'happiness: neutral', not_happy: 'happiness: not happy' },
    health: { thriving: 'health: thriving', healthy: 'health: healthy', steady: 'health: steady', struggling: 'health: struggling' },
  },
  crm: { recreateDeletedCards: false },
  messages: {
    replyTo: null,
    holdSeconds: 60,
    onePerPersonDays: 7,
    quietHours: { enabled: true, from: '20:00', to: '08:00' },
    businessHours: { from: '09:00', to: '17:00', weekdays: [1, 2, 3, 4, 5] },
    paused: false,
  },
  notices: {
    kinds: structuredClone(defaultChoices),
    agencyChat: Object.fromEntries(noticeKinds.map((kind) => [kind, 'off'])) as Record<NoticeKind, NoticeRhythm>,
    gatherMinutes: 5,
    digestAt: '08:00',
    quietHours: { enabled: true, from: '20:00', to: '08:00' },
    zone: null,
    workspaceUrl: null,
  },
  widget: {
    language: 'auto',
    copyLanguage: 'en',
    position: 'bottom_right',
    theme: 'auto',
    copy: {
      button: 'Feedback',
      question: 'How are we doing for you?',
      againQuestion: 'And now, how are we doing?',
      hint: 'One tap. Our team reads every answer.',
      later: 'Ask me later',
      close: 'Close',
      saved: 'Saved.',
      change: 'Change',
      send: 'Send',
      skip: 'Skip',
      thanks: 'Thank you',
      thanksNext: 'We read it today. We ask again in {days} days; the button stays here until then.',
      laterThanks: 'No problem. The button is here if you want to say something sooner.',
      answerNow: 'Answer now after all',
      commentLabels: {
        very_happy: 'What is working best?',
        happy: 'What is working best?',
        neutral: 'What would make it better?',
        not_happy: 'What should we fix first?',
      },
      offline: 'Not sent yet. Your answer is kept here and goes out when you are back online.',
      refused: 'This answer could not be saved. Please try again later.',
      retry: 'Try again',
    },
    levels: { very_happy: 'Very Happy', happy: 'Happy', neutral: 'Neutral', not_happy: 'Not Happy' },
  },
  brand: { name: 'Barometer', teamName: 'Our team', accentColour: '#2f5bd7', logoUrl: null },
  data: { retentionDays: 30 },
}

/** A change to some members of some sections. Groups inside a section may be given in part; lists are replaced whole. */
export const agencySettingsPatch = z.strictObject({
  prompt: prompt.partial(),
  answers: answers.partial(),
  happiness: happiness.extend({ points: happiness.shape.points.partial(), cuts: happiness.shape.cuts.partial() }).partial(),
  cases: cases.partial(),
  health: health.extend({ staleDays: health.shape.staleDays.partial() }).partial(),
  ownership: ownership.partial(),
  team: team.partial(),
  groups: groups.partial(),
  tags: z.strictObject({ happiness: tags.shape.happiness.partial(), health: tags.shape.health.partial() }).partial(),
  crm: crm.partial(),
  messages: messages.extend({ quietHours: messages.shape.quietHours.partial(), businessHours: messages.shape.businessHours.partial() }).partial(),
  notices: notices
    .extend({ kinds: byKind(channelChoice.partial()).partial(), agencyChat: notices.shape.agencyChat.partial(), quietHours: notices.shape.quietHours.partial() })
    .partial(),
  widget: widget
    .extend({
      copy: widget.shape.copy.extend({ commentLabels: widget.shape.copy.shape.commentLabels.partial() }).partial(),
      levels: widget.shape.levels.partial(),
    })
    .partial(),
  brand: brand.partial(),
  data: data.partial(),
}).partial()
export type AgencySettingsPatch = z.output<typeof agencySettingsPatch>

/** Answer of the settings routes. */
export const settingsView = z.object({
  settings: agencySettings,
  defaults: agencySettings,
  /** Paths of members that differ from the default, for example `prompt.answeredDays`. */
  customised: z.array(z.string()),
  /** Grows by one with every change. */
  version: z.number().int(),
})
export type SettingsView = z.output<typeof settingsView>

/** Paths, or whole sections, to put back to the default. */
export const settingsReset = z.strictObject({ paths: z.array(z.string().min(1).max(120)).min(1).max(200) })
