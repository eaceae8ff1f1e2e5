import { z } from 'zod'
import { missing, unprocessable, validationMessages } from './api/api-error.ts'
import { getContact, nameOf } from './domain/contacts.ts'
import type { PagesParts } from './pages-parts.ts'
import type { Contact } from './state/records.ts'
import { usersOfLocation } from './state/state.ts'
import { encryptContext, userContextOf } from './user-context.ts'

interface Route {
  method: string
  pattern: RegExp
  work(ids: string[], body: unknown, query: URLSearchParams): unknown
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw unprocessable(validationMessages(parsed.error), 'interface')
  return parsed.data
}

const edit = z.strictObject({ fields: z.record(z.string(), z.union([z.string(), z.number(), z.null()])).optional(), addTag: z.string().optional(), removeTag: z.string().optional() })
const place = z.strictObject({ companyId: z.string().optional(), locationId: z.string().optional() })
const newUser = z.strictObject({ firstName: z.string().min(1, 'is missing'), lastName: z.string().optional(), email: z.email('must be an email'), locationId: z.string() })
const logSize = 100
const filterChoice = z.strictObject({ field: z.string().min(1, 'is missing'), operator: z.string().optional(), value: z.union([z.string(), z.array(z.string())]) }).transform(({ operator, ...rest }) => (operator === undefined ? rest : { ...rest, operator }))
const newTrigger = z.strictObject({ workflowId: z.string().min(1, 'is missing'), key: z.string().min(1, 'is missing'), filters: z.array(filterChoice) })
const actionRun = z.strictObject({
  workflowId: z.string().min(1, 'is missing'), contactId: z.string().min(1, 'is missing'), key: z.string().min(1, 'is missing'), data: z.record(z.string(), z.unknown()),
  branches: z.array(z.strictObject({ id: z.string(), name: z.string(), fields: z.record(z.string(), z.unknown()) })).optional(),
}).transform(({ branches, ...rest }) => (branches === undefined ? rest : { ...rest, branches }))

/** The JSON calls behind the interface; nothing here is part of the platform's API. */
export function createUiApi({ world, person, installer, dispatcher, ledger, builder }: PagesParts): (method: string, url: URL, body: unknown) => unknown {
  const { state, settings } = world

  function summary(contact: Contact) {
    return { id: contact.id, name: nameOf(contact), email: contact.email, phone: contact.phone, companyName: contact.companyName, tags: contact.tags, customFields: contact.customFields }
  }

  const routes: Route[] = [
    {
      method: 'GET', pattern: /^session$/,
      work: () => ({
        app: { appId: settings.app.appId, appUrl: settings.app.appUrl ?? null },
        companies: state.companies.values().map((company) => ({ id: company.id, name: company.name, installed: state.installations.has(company.id) })),
        locations: state.locations.values().map((location, index) => ({
          id: location.id, name: location.name, companyId: location.companyId, timezone: location.timezone, address: location.address,
          headquarters: index === 0 || state.locations.by('company', location.companyId)[0]?.id === location.id,
        })),
        people: state.users.values().filter((user) => !user.deleted).map((user) => ({
          id: user.id, firstName: user.firstName, lastName: user.lastName, name: `${user.firstName} ${user.lastName}`.trim(), email: user.email, phone: user.phone, type: user.type,
          role: user.role, companyId: user.companyId, locationIds: user.locationIds,
        })),
      }),
    },
    {
      method: 'GET', pattern: /^context$/,
      work: (_ids, _body, query) => {
        const userId = query.get('userId') ?? ''
        return { payload: encryptContext(userContextOf(state, userId, query.get('locationId') ?? undefined), settings.app.sharedSecret) }
      },
    },
    {
      method: 'GET', pattern: /^locations\/(\w+)\/contacts$/,
      work: ([locationId = '']) => ({
        fields: state.fields.by('location', locationId).filter((field) => field.model === 'contact').map((field) => ({ id: field.id, name: field.name, dataType: field.dataType, options: field.picklistOptions })),
        contacts: state.contacts.by('location', locationId).map(summary),
      }),
    },
    {
      method: 'GET', pattern: /^contacts\/(\w+)$/,
      work: ([contactId = '']) => {
        const contact = getContact(world, contactId)
        return {
          contact: summary(contact),
          fields: state.fields.by('location', contact.locationId).filter((field) => field.model === 'contact').map((field) => ({ id: field.id, name: field.name, dataType: field.dataType, options: field.picklistOptions })),
          workflows: state.enrolments.by('contact', contactId).map((enrolment) => ({ id: enrolment.id, name: state.workflows.get(enrolment.workflowId)?.name ?? '', inside: enrolment.leftAt === undefined, at: enrolment.at })),
          messages: state.messages.by('contact', contactId), notes: state.notes.by('contact', contactId), tasks: state.tasks.by('contact', contactId),
          cards: state.opportunities.by('contact', contactId).map((card) => {
            const pipeline = state.pipelines.get(card.pipelineId)
            return { id: card.id, name: card.name, pipeline: pipeline?.name ?? '', stage: pipeline?.stages.find((stage) => stage.id === card.pipelineStageId)?.name ?? '' }
          }),
        }
      },
    },
    {
      method: 'POST', pattern: /^contacts\/(\w+)$/,
      work: ([contactId = ''], body) => {
        const change = parse(edit, body)
        if (change.fields !== undefined) person.updateContact(contactId, { fields: change.fields })
        if (change.addTag !== undefined) person.changeTags(contactId, { add: [change.addTag] })
        if (change.removeTag !== undefined) person.changeTags(contactId, { remove: [change.removeTag] })
        return { saved: true }
      },
    },
    { method: 'POST', pattern: /^contacts\/(\w+)\/reply$/, work: ([contactId = ''], body) => person.reply(contactId, parse(z.strictObject({ text: z.string().min(1, 'is missing') }), body).text) },
    { method: 'POST', pattern: /^tasks\/(\w+)\/complete$/, work: ([taskId = '']) => person.completeTask(taskId) },
    {
      method: 'GET', pattern: /^locations\/(\w+)\/tasks$/,
      work: ([locationId = '']) => ({
        tasks: state.tasks.by('location', locationId).map((task) => {
          const contact = state.contacts.get(task.contactId)
          const assignee = state.users.get(task.assignedTo)
          return { ...task, contactName: contact === undefined ? '' : nameOf(contact), assignee: assignee === undefined ? '' : `${assignee.firstName} ${assignee.lastName}` }
        }),
      }),
    },
    {
      method: 'GET', pattern: /^locations\/(\w+)\/conversations$/,
      work: ([locationId = '']) => ({
        conversations: state.conversations.by('location', locationId).map((conversation) => {
          const contact = state.contacts.get(conversation.contactId)
          const last = state.messages.get(conversation.lastMessageId)
          return { id: conversation.id, contactId: conversation.contactId, name: contact === undefined ? '' : nameOf(contact), last: last ?? null }
        }),
      }),
    },
    {
      method: 'GET', pattern: /^locations\/(\w+)\/boards$/,
      work: ([locationId = '']) => ({
        pipelines: state.pipelines.by('location', locationId).map((pipeline) => ({
          id: pipeline.id, name: pipeline.name, stages: [...pipeline.stages].sort((a, b) => a.position - b.position),
          cards: state.opportunities.by('pipeline', pipeline.id).map((card) => {
            const contact = state.contacts.get(card.contactId)
            return { id: card.id, name: card.name, stageId: card.pipelineStageId, status: card.status, contactId: card.contactId, contactName: contact === undefined ? '' : nameOf(contact) }
          }),
        })),
      }),
    },
    { method: 'POST', pattern: /^cards\/(\w+)\/move$/, work: ([cardId = ''], body) => person.moveCard(cardId, parse(z.strictObject({ stageId: z.string() }), body).stageId) },
    {
      method: 'DELETE', pattern: /^cards\/(\w+)$/,
      work: ([cardId = '']) => {
        person.deleteCard(cardId)
        return { deleted: true }
      },
    },
    { method: 'GET', pattern: /^locations\/(\w+)\/team$/, work: ([locationId = '']) => ({ users: usersOfLocation(state, locationId) }) },
    { method: 'POST', pattern: /^users$/, work: (_ids, body) => {
      const { lastName, ...user } = parse(newUser, body)
      return person.createUser({ ...user, ...(lastName === undefined ? {} : { lastName }) })
    } },
    {
      method: 'DELETE', pattern: /^users\/(\w+)$/,
      work: ([userId = '']) => {
        person.removeUser(userId)
        return { deleted: true }
      },
    },
    { method: 'POST', pattern: /^locations$/, work: (_ids, body) => person.createLocation(parse(z.strictObject({ companyId: z.string(), name: z.string().min(1, 'is missing') }), body)) },
    {
      method: 'POST', pattern: /^install$/,
      work: (_ids, body) => {
        const { companyId, locationId } = parse(place, body)
        return installer.install(locationId === undefined ? { ...(companyId === undefined ? {} : { companyId }) } : { single: locationId })
      },
    },
    {
      method: 'POST', pattern: /^uninstall$/,
      work: (_ids, body) => {
        const { companyId, locationId } = parse(place, body)
        if (locationId !== undefined) installer.uninstall({ locationId })
        else if (companyId !== undefined) installer.uninstall({ companyId })
        return { uninstalled: true }
      },
    },
    {
      // The workflow builder, as far as the app's own triggers and actions go.
      method: 'GET', pattern: /^locations\/(\w+)\/builder$/,
      work: ([locationId = '']) => ({
        triggers: builder.listing.marketplaceTriggers, actions: builder.listing.marketplaceActions,
        workflows: state.workflows.by('location', locationId),
        subscribed: state.workflowTriggers.by('location', locationId),
        executions: builder.executions().filter((execution) => execution.locationId === locationId).slice(-logSize).reverse().map((execution) => {
          const contact = state.contacts.get(execution.contactId)
          return { ...execution, contactName: contact === undefined ? '' : nameOf(contact) }
        }),
        runs: state.actionRuns.by('location', locationId).slice(-logSize).reverse(),
        contacts: state.contacts.by('location', locationId).map((contact) => ({ id: contact.id, name: nameOf(contact), email: contact.email })),
      }),
    },
    { method: 'GET', pattern: /^locations\/(\w+)\/builder\/dynamic$/, work: ([locationId = ''], _body, query) => builder.dynamic(query.get('path') ?? '', locationId) },
    { method: 'POST', pattern: /^builder\/triggers$/, work: (_ids, body) => builder.addTrigger(parse(newTrigger, body)) },
    { method: 'POST', pattern: /^builder\/triggers\/([\w-]+)$/, work: ([triggerId = ''], body) => builder.changeTrigger(triggerId, parse(z.strictObject({ filters: z.array(filterChoice) }), body).filters) },
    {
      method: 'DELETE', pattern: /^builder\/triggers\/([\w-]+)$/,
      work: async ([triggerId = '']) => {
        await builder.removeTrigger(triggerId)
        return { deleted: true }
      },
    },
    { method: 'POST', pattern: /^builder\/actions$/, work: (_ids, body) => builder.runAction(parse(actionRun, body)) },
    {
      method: 'GET', pattern: /^log$/,
      work: () => ({
        webhooks: dispatcher.log().slice(-logSize).reverse().map((delivery) => ({
          webhookId: delivery.webhookId, type: delivery.type, place: state.locations.get(delivery.locationId ?? '')?.name ?? state.companies.get(delivery.companyId ?? '')?.name ?? '',
          createdAt: delivery.createdAt, status: delivery.status, attempts: delivery.attempts, lastStatus: delivery.lastStatus ?? null, body: delivery.body,
        })),
        calls: ledger.entries.slice(-logSize).reverse().map((call) => ({ ...call, place: state.locations.get(call.locationId ?? '')?.name ?? state.companies.get(call.companyId ?? '')?.name ?? '' })),
      }),
    },
    {
      // The real host pastes the approved script into its page; the browser cannot read it across origins, so it is fetched here.
      method: 'GET', pattern: /^custom-js$/,
      work: async () => {
        if (settings.app.appUrl === undefined) return { script: null }
        try {
          const response = await fetch(`${settings.app.appUrl}/widget.js`, { signal: AbortSignal.timeout(5_000) })
          return { script: response.ok ? await response.text() : null }
        } catch (error) {
          return { script: null, reason: error instanceof Error ? error.message : String(error) }
        }
      },
    },
  ]

  return (method, url, body) => {
    const path = url.pathname.slice('/ui-api/'.length)
    for (const route of routes) {
      const match = route.method === method ? route.pattern.exec(path) : null
      if (match !== null) return route.work(match.slice(1), body, url.searchParams)
    }
    throw missing(`Cannot ${method} ${url.pathname}`)
  }
}
