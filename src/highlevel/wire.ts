import { z } from 'zod'
import { CodedError } from '../kernel/errors.ts'
import type { CrmContact, CrmCustomField, CrmLocation, CrmMessage, CrmOpportunity, CrmPipeline, CrmUser, CrmWorkflow, TokenGrant } from './types.ts'

/*
 * Tolerant readers: members that we do not use may be anything, optional ones may be missing or null,
 * and both HighLevel generations' names are understood. Only what we cannot work without is demanded.
 */

const text = z.string()
const id = z.union([z.string().min(1), z.number().transform(String)])
const maybeText = z.string().nullish().transform((value) => (value === undefined || value === null || value === '' ? null : value))
const textOr = (fallback: string) => z.string().nullish().transform((value) => value ?? fallback)
const flag = z.boolean().nullish().transform((value) => value ?? false)
const texts = z.array(z.unknown()).nullish().transform((values) => (values ?? []).filter((value): value is string => typeof value === 'string'))

/**
 * Reads an answer's body.
 * @throws CodedError `highlevel_unreadable` (transient) naming the members that did not fit, never their values
 */
export function parse<S extends z.ZodType>(schema: S, body: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const members = parsed.error.issues.map((issue) => issue.path.join('.') || '(body)').slice(0, 5)
  throw new CodedError('highlevel_unreadable', `HighLevel's answer to ${what} could not be read: ${members.join(', ')}.`, { details: { what, members, mayHaveReached: true } })
}

const customField = z
  .looseObject({ id, name: textOr(''), fieldKey: textOr(''), dataType: textOr('TEXT'), picklistOptions: z.unknown().optional(), options: z.unknown().optional() })
  .transform((field): CrmCustomField => ({ id: field.id, name: field.name, fieldKey: field.fieldKey, dataType: field.dataType, options: optionNames(field.picklistOptions ?? field.options) }))
export const customFieldAnswer = z.looseObject({ customField }).transform((body) => body.customField)
export const customFieldsAnswer = z.looseObject({ customFields: z.array(customField).nullish() }).transform((body) => body.customFields ?? [])

/** Options come as plain texts, or as objects with a name, label or value. */
function optionNames(options: unknown): string[] {
  if (!Array.isArray(options)) return []
  return options.flatMap((option: unknown) => {
    if (typeof option === 'string') return [option]
    if (typeof option !== 'object' || option === null) return []
    const { label, name, value, key } = option as Record<string, unknown>
    const known = [label, name, value, key].find((candidate) => typeof candidate === 'string')
    return known === undefined ? [] : [known]
  })
}

export const tagsAnswer = z.looseObject({ tags: z.array(z.looseObject({ id, name: textOr('') })).nullish() }).transform((body) => (body.tags ?? []).map((tag) => ({ id: tag.id, name: tag.name })))

const stage = z.looseObject({ id, name: textOr(''), position: z.coerce.number().optional().catch(undefined) })
const pipeline = z
  .looseObject({ id, name: textOr(''), stages: z.array(z.unknown()).nullish() })
  // The specification types stages as an array of arrays; flattening reads either.
  .transform((body): CrmPipeline => ({
    id: body.id,
    name: body.name,
    stages: z
      .array(stage)
      .parse((body.stages ?? []).flat())
      .map((entry, index) => ({ id: entry.id, name: entry.name, position: entry.position ?? index }))
      .sort((a, b) => a.position - b.position),
  }))
export const pipelinesAnswer = z.looseObject({ pipelines: z.array(pipeline).nullish() }).transform((body) => body.pipelines ?? [])
export const pipelineAnswer = z.union([z.looseObject({ pipeline }).transform((body) => body.pipeline), pipeline])

/** A pipeline as it must be sent back on update: unknown members of its stages are kept. */
const rawPipeline = z.looseObject({ id, name: textOr(''), stages: z.array(z.looseObject({ id, name: textOr('') })).nullish().transform((stages) => stages ?? []) })
export const rawPipelineAnswer = z.union([z.looseObject({ pipeline: rawPipeline }).transform((body) => body.pipeline), rawPipeline])

/** `{id, value}`, `{id, field_value}`, `{id, fieldValue}` or a typed member such as `{id, type, fieldValueString}`. */
function customValueOf(field: Record<string, unknown>): unknown {
  if ('value' in field) return field['value']
  if ('field_value' in field) return field['field_value']
  const typed = Object.keys(field).find((name) => name.startsWith('fieldValue'))
  return typed === undefined ? null : field[typed]
}
const customValues = z
  .array(z.looseObject({ id }))
  .nullish()
  .transform((fields) => (fields ?? []).map((field) => ({ id: field.id, value: customValueOf(field) ?? null })))

/** An ISO instant; anything else says nothing. */
const isoInstant = z.unknown().optional().transform((value) => {
  const at = typeof value === 'string' && /^\d{4}-\d\d-\d\dT.*Z$/.test(value) ? new Date(value) : null
  return at === null || Number.isNaN(at.getTime()) ? null : at
})

const contact = z.looseObject({
  dateUpdated: isoInstant,
  id, email: maybeText, firstName: maybeText, lastName: maybeText, name: maybeText, contactName: maybeText, tags: texts, dnd: flag,
  dndSettings: z.record(z.string(), z.looseObject({ status: maybeText })).optional().catch(undefined),
  customFields: customValues, customField: customValues,
  additionalEmails: z.array(z.unknown()).nullish().transform((values) => values ?? []),
})
type WireContact = z.output<typeof contact>
function toContact(body: WireContact): CrmContact {
  const { email, firstName, lastName, tags, dnd } = body
  const joined = [firstName, lastName].filter((part) => part !== null).join(' ')
  return { id: body.id, email: email?.toLowerCase() ?? null, firstName, lastName, name: body.name ?? body.contactName ?? (joined === '' ? null : joined), tags, dnd, customFields: body.customFields.length > 0 ? body.customFields : body.customField, ...(body.dndSettings === undefined ? {} : { dndSettings: body.dndSettings }), ...(body.dateUpdated === null ? {} : { changedAt: body.dateUpdated }) }
}
const contactOut = contact.transform(toContact)
export const contactAnswer = z.union([z.looseObject({ contact: contactOut }).transform((body) => body.contact), contactOut])
/** The contact of a search by e-mail, with every address that it has. */
export const duplicateAnswer = z.looseObject({ contact: contact.nullish() }).transform(({ contact: found }) => (found === undefined || found === null ? null : { contact: toContact(found), emails: emailsOf(found) }))

function emailsOf(body: WireContact): string[] {
  const more = body.additionalEmails.map((entry) => (typeof entry === 'string' ? entry : (entry as { email?: unknown } | null)?.email))
  return [body.email, ...more].filter((email): email is string => typeof email === 'string').map((email) => email.toLowerCase())
}

const opportunity = z
  .looseObject({ id, name: textOr(''), contactId: maybeText, contact: z.looseObject({ id: maybeText }).nullish(), pipelineId: textOr(''), pipelineStageId: textOr(''), status: textOr('open'), lastStageChangeAt: isoInstant, createdAt: isoInstant })
  .transform((body): CrmOpportunity => ({ id: body.id, name: body.name, contactId: body.contactId ?? body.contact?.id ?? null, pipelineId: body.pipelineId, stageId: body.pipelineStageId, status: body.status, ...(body.lastStageChangeAt === null ? {} : { movedAt: body.lastStageChangeAt }), ...(body.createdAt === null ? {} : { madeAt: body.createdAt }) }))
export const opportunityAnswer = z.union([z.looseObject({ opportunity }).transform((body) => body.opportunity), opportunity])
export const opportunitiesAnswer = z.looseObject({ opportunities: z.array(opportunity).nullish() }).transform((body) => body.opportunities ?? [])

export const conversationsAnswer = z.looseObject({ conversations: z.array(z.looseObject({ id })).nullish() }).transform((body) => (body.conversations ?? []).map((conversation) => conversation.id))

const instant = z.union([z.string(), z.number()]).nullish().transform((value) => (value === undefined || value === null ? new Date(0) : new Date(value)))
const message = z.looseObject({
  id, direction: textOr('outbound'), body: textOr(''), subject: maybeText, dateAdded: instant, messageType: textOr(''),
  meta: z.looseObject({ email: z.looseObject({ messageIds: texts, subject: maybeText }).nullish() }).nullish(),
})
const messagePage = z.looseObject({ messages: z.array(message).nullish() })
/** The live API wraps the page in one more `messages`. E-mails often come without their body: `emailId` says where it is. */
export const messagesAnswer = z
  .union([z.looseObject({ messages: messagePage }).transform((body) => body.messages), messagePage])
  .transform((page) => (page.messages ?? []).map((entry) => ({ ...toMessage(entry), emailId: entry.meta?.email?.messageIds.at(-1) ?? (/email/i.test(entry.messageType) ? entry.id : null) })))
function toMessage(entry: z.output<typeof message>): CrmMessage {
  return { id: entry.id, direction: entry.direction === 'inbound' ? 'inbound' : 'outbound', body: entry.body, subject: entry.subject ?? entry.meta?.email?.subject ?? null, createdAt: entry.dateAdded }
}
const email = z.looseObject({ body: textOr(''), html: maybeText, subject: maybeText })
export const emailAnswer = z.union([z.looseObject({ emailMessage: email }).transform((body) => body.emailMessage), email]).transform((body) => ({ body: body.body === '' ? (body.html ?? '') : body.body, subject: body.subject }))

export const sentAnswer = z
  .looseObject({ messageId: maybeText, messageIds: texts, emailMessageId: maybeText, conversationId: textOr('') })
  .transform((body) => ({ messageId: body.messageId ?? body.messageIds[0] ?? body.emailMessageId ?? '', conversationId: body.conversationId }))

const task = z.looseObject({ id, title: textOr(''), body: textOr(''), completed: flag, dateAdded: instant })
export const taskAnswer = z.union([z.looseObject({ task }).transform((body) => body.task), task]).transform((body) => ({ id: body.id }))
export const tasksAnswer = z
  .looseObject({ tasks: z.array(task).nullish() })
  .transform((body) => newestFirst(body.tasks ?? []).map((entry) => ({ id: entry.id, title: entry.title, body: entry.body, completed: entry.completed })))

const note = z.looseObject({ id, body: textOr(''), dateAdded: instant })
export const noteAnswer = z.union([z.looseObject({ note }).transform((body) => body.note), note]).transform((body) => ({ id: body.id }))
export const notesAnswer = z
  .looseObject({ notes: z.array(note).nullish() })
  .transform((body) => newestFirst(body.notes ?? []).map((entry) => ({ id: entry.id, body: entry.body })))

const workflow = z.looseObject({ id, name: textOr(''), status: textOr('') }).transform((body): CrmWorkflow => ({ id: body.id, name: body.name, published: body.status === 'published' }))
export const workflowsAnswer = z.looseObject({ workflows: z.array(workflow).nullish() }).transform((body) => body.workflows ?? [])
/** The one member is misspelt in HighLevel's own file. Anything but a plain no is taken for a yes: the status said so already. */
export const enrolledAnswer = z.unknown().transform((body) => {
  const { succeded, succeeded } = typeof body === 'object' && body !== null ? (body as { succeded?: unknown; succeeded?: unknown }) : {}
  return (succeded ?? succeeded) !== false
})

function newestFirst<T extends { dateAdded: Date }>(entries: T[]): T[] {
  return [...entries].sort((a, b) => b.dateAdded.getTime() - a.dateAdded.getTime())
}

const user = z
  .looseObject({
    id, name: maybeText, firstName: maybeText, lastName: maybeText, email: maybeText, phone: maybeText, deleted: flag,
    roles: z.looseObject({ type: textOr('account'), role: textOr('user'), locationIds: texts }).nullish(),
    type: maybeText, role: maybeText,
  })
  .transform((body): CrmUser => ({
    id: body.id,
    name: body.name ?? [body.firstName, body.lastName].filter((part) => part !== null).join(' '),
    firstName: body.firstName,
    lastName: body.lastName,
    email: body.email?.toLowerCase() ?? null,
    phone: body.phone,
    type: (body.roles?.type ?? body.type) === 'agency' ? 'agency' : 'account',
    role: (body.roles?.role ?? body.role) === 'admin' ? 'admin' : 'user',
    locationIds: body.roles?.locationIds ?? [],
    deleted: body.deleted,
  }))
export const usersAnswer = z
  .looseObject({ users: z.array(user).nullish(), count: z.number().nullish() })
  .transform((body) => ({ users: body.users ?? [], total: body.count ?? body.users?.length ?? 0 }))

const location = z
  .looseObject({ id, companyId: maybeText, name: textOr(''), email: maybeText, timezone: maybeText })
  .transform((body): CrmLocation => ({ id: body.id, companyId: body.companyId, name: body.name, email: body.email, timezone: body.timezone }))
export const locationAnswer = z.union([z.looseObject({ location }).transform((body) => body.location), location])
export const locationsAnswer = z.looseObject({ locations: z.array(location).nullish() }).transform((body) => body.locations ?? [])

const installed = z.looseObject({ _id: id.optional(), id: id.optional(), locationId: id.optional(), name: textOr(''), isInstalled: z.boolean().nullish() })
export const installedAnswer = z.looseObject({ locations: z.array(installed).nullish(), count: z.number().nullish() }).transform((body) => {
  const locations = (body.locations ?? []).flatMap((entry) => {
    const known = entry._id ?? entry.id ?? entry.locationId
    return known === undefined || entry.isInstalled === false ? [] : [{ id: known, name: entry.name }]
  })
  return { locations, total: body.count ?? locations.length }
})

const company = z
  .looseObject({ id, name: textOr(''), domain: maybeText, subdomain: maybeText })
  .transform((body) => ({ id: body.id, name: body.name, domain: body.domain ?? body.subdomain }))
export const companyAnswer = z.union([z.looseObject({ company }).transform((body) => body.company), company])

// Losing a new pair over an odd member would cost the installation: everything but the access token has a fallback.
const life = z.coerce.number().positive().optional().catch(undefined)
/** Tokens in either generation's names; all but the tokens, the life and the ids may be missing. */
export const grantAnswer = z
  .looseObject({
    access_token: text.min(1).optional(), accessToken: text.min(1).optional(), refresh_token: maybeText, refreshToken: maybeText,
    expires_in: life, expiresIn: life, userType: maybeText, companyId: maybeText, locationId: maybeText, userId: maybeText,
    scope: maybeText, isBulkInstallation: z.unknown().optional(), approvedLocations: texts, installToFutureLocations: z.unknown().optional(),
  })
  .refine((body) => body.access_token !== undefined || body.accessToken !== undefined, { path: ['access_token'] })
  .transform((body): Omit<TokenGrant, 'companyId'> & { companyId: string | null } => ({
    accessToken: body.access_token ?? body.accessToken ?? '',
    refreshToken: body.refresh_token ?? body.refreshToken,
    expiresInSeconds: body.expires_in ?? body.expiresIn ?? 86_399,
    userType: body.userType === 'Company' || (body.userType === null && body.locationId === null) ? 'Company' : 'Location',
    companyId: body.companyId,
    locationId: body.locationId,
    userId: body.userId,
    scopes: (body.scope ?? '').split(/[\s,]+/).filter((scope) => scope !== ''),
    isBulkInstallation: body.isBulkInstallation === true,
    approvedLocationIds: body.approvedLocations,
    installToFutureLocations: body.installToFutureLocations === true,
  }))
