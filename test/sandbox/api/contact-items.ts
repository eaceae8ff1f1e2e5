import { z } from 'zod'
import type { GetCreateUpdateNoteSuccessfulResponseDto, TaskByIsSuccessfulResponseDto } from '@gohighlevel/api-client/dist/lib/code/contacts/models/contacts.js'
import { badRequest, missing } from './api-error.ts'
import { tenantOfContact } from './contacts.ts'
import { created, endpoint, ok, type Endpoint } from './endpoint.ts'
import { getContact } from '../domain/contacts.ts'
import { createNote, createTask, updateTask } from '../domain/activity.ts'
import type { Note, Task } from '../state/records.ts'
import type { World } from '../world.ts'

const isoDate = z.string().refine((value) => !Number.isNaN(Date.parse(value)), 'must be a valid ISO 8601 date string')
const taskBody = { title: z.string().min(1, 'should not be empty'), dueDate: isoDate, completed: z.boolean(), body: z.string().optional(), assignedTo: z.string().optional() }
const noteBody = z.strictObject({
  body: z.string().min(1, 'should not be empty'), userId: z.string().optional(), title: z.string().optional(), color: z.string().optional(), pinned: z.boolean().optional(),
})

function wireTask(task: Task): TaskByIsSuccessfulResponseDto {
  return {
    task: {
      id: task.id, title: task.title, body: task.body, assignedTo: task.assignedTo, dueDate: task.dueDate, completed: task.completed, contactId: task.contactId,
    },
  }
}

function wireNote(note: Note): GetCreateUpdateNoteSuccessfulResponseDto {
  return { note: { id: note.id, body: note.body, userId: note.userId, dateAdded: note.dateAdded, contactId: note.contactId, title: note.title, color: '', pinned: false } }
}

/** Notes, tasks and workflow enrolment of one contact. */
export function contactItemEndpoints(world: World): Endpoint[] {
  const { state } = world
  const tenant = tenantOfContact(world)
  const read = { scope: 'contacts.readonly', tenant }
  const write = { scope: 'contacts.write', tenant }

  function taskAt(params: Record<string, string>): Task {
    const task = state.tasks.get(params['taskId'] ?? '')
    if (task === undefined || task.contactId !== params['contactId']) throw missing(`Task with id ${params['taskId'] ?? ''} not found`, 400)
    return task
  }

  function noteAt(params: Record<string, string>): Note {
    const note = state.notes.get(params['id'] ?? '')
    if (note === undefined || note.contactId !== params['contactId']) throw missing(`Note with id ${params['id'] ?? ''} not found`, 400)
    return note
  }

  /** A workflow run is modelled as "enrolled"; drafts and contacts that are inside already do nothing. */
  function enrol(params: Record<string, string>): void {
    const contact = getContact(world, params['contactId'] ?? '')
    const workflow = state.workflows.get(params['workflowId'] ?? '')
    if (workflow === undefined || workflow.locationId !== contact.locationId) throw badRequest('Workflow not found')
    const inside = state.enrolments.by('contact', contact.id).some((enrolment) => enrolment.workflowId === workflow.id && enrolment.leftAt === undefined)
    if (workflow.status === 'published' && !inside) {
      const at = world.isoNow()
      const left = workflow.endsAtOnce === true ? { leftAt: at } : {}
      state.enrolments.put({ id: state.ids.id20('enrolment'), locationId: contact.locationId, workflowId: workflow.id, contactId: contact.id, at, ...left })
    }
  }

  return [
    endpoint({
      method: 'GET', path: '/contacts/{contactId}/tasks', ...read,
      handle: ({ params }) => ok({ tasks: state.tasks.by('contact', getContact(world, params['contactId'] ?? '').id).map((task) => wireTask(task).task) }),
    }),
    endpoint({
      method: 'POST', path: '/contacts/{contactId}/tasks', ...write, body: z.strictObject(taskBody),
      handle: ({ params, body }) => created(wireTask(createTask(world, params['contactId'] ?? '', body))),
    }),
    endpoint({ method: 'GET', path: '/contacts/{contactId}/tasks/{taskId}', ...read, handle: ({ params }) => ok(wireTask(taskAt(params))) }),
    endpoint({
      method: 'PUT', path: '/contacts/{contactId}/tasks/{taskId}', ...write, body: z.strictObject(taskBody).partial(),
      handle: ({ params, body }) => ok(wireTask(updateTask(world, taskAt(params).id, body))),
    }),
    endpoint({
      method: 'PUT', path: '/contacts/{contactId}/tasks/{taskId}/completed', ...write, body: z.strictObject({ completed: z.boolean() }),
      handle: ({ params, body }) => ok(wireTask(updateTask(world, taskAt(params).id, body))),
    }),
    endpoint({
      method: 'DELETE', path: '/contacts/{contactId}/tasks/{taskId}', ...write,
      handle({ params }) {
        const task = taskAt(params)
        state.tasks.delete(task.id)
        world.emit('TaskDelete', { locationId: task.locationId }, { id: task.id, assignedTo: task.assignedTo, title: task.title, contactId: task.contactId, dateAdded: task.dateAdded, dueDate: task.dueDate })
        return ok({ succeded: true })
      },
    }),
    endpoint({
      method: 'GET', path: '/contacts/{contactId}/notes', ...read,
      handle: ({ params }) => ok({ notes: state.notes.by('contact', getContact(world, params['contactId'] ?? '').id).map((note) => wireNote(note).note) }),
    }),
    endpoint({
      method: 'POST', path: '/contacts/{contactId}/notes', ...write, body: noteBody,
      handle: ({ params, body }) => created(wireNote(createNote(world, params['contactId'] ?? '', body))),
    }),
    endpoint({ method: 'GET', path: '/contacts/{contactId}/notes/{id}', ...read, handle: ({ params }) => ok(wireNote(noteAt(params))) }),
    endpoint({
      method: 'DELETE', path: '/contacts/{contactId}/notes/{id}', ...write,
      handle({ params }) {
        const note = noteAt(params)
        state.notes.delete(note.id)
        world.emit('NoteDelete', { locationId: note.locationId }, { id: note.id, body: note.body, contactId: note.contactId, dateAdded: note.dateAdded })
        return ok({ succeded: true })
      },
    }),
    endpoint({
      method: 'POST', path: '/contacts/{contactId}/workflow/{workflowId}', ...write, body: z.strictObject({ eventStartTime: z.string().optional() }),
      handle({ params }) {
        enrol(params)
        return ok({ succeded: true })
      },
    }),
    endpoint({
      method: 'DELETE', path: '/contacts/{contactId}/workflow/{workflowId}', ...write, body: z.strictObject({ eventStartTime: z.string().optional() }),
      handle({ params }) {
        const contact = getContact(world, params['contactId'] ?? '')
        for (const enrolment of state.enrolments.by('contact', contact.id)) if (enrolment.workflowId === params['workflowId'] && enrolment.leftAt === undefined) state.enrolments.delete(enrolment.id)
        return ok({ succeded: true })
      },
    }),
  ]
}
