import { api, h, say, when } from './dom.js'
import { messageView } from './contacts.js'

/** A part of the host that is not imitated; scripts still see that the person is here. */
export function plainPage(title) {
  return [h('h1', {}, title), h('p', { class: 'soft' }, 'This part of the CRM is not imitated. Time spent here is seen by scripts, as on the real host.')]
}

/** The agency's view: its accounts, and where the app is installed or removed. */
export async function accountsPage(view) {
  const { company, session, person } = view
  const own = session.locations.filter((one) => one.companyId === company.id)
  const admin = person.type === 'agency' && person.role === 'admin'
  const button = (label, testId, work, attributes = {}) => h('button', { 'data-testid': testId, ...attributes, onclick: async (event) => {
    event.target.disabled = true
    try {
      await work()
    } finally {
      event.target.disabled = false
    }
    view.refresh()
  } }, label)
  return [
    h('h1', {}, company.name),
    h('section', { class: 'card' }, h('h2', {}, 'App'),
      h('p', { 'data-testid': 'install-state' }, company.installed ? 'The app is installed for this agency.' : 'The app is not installed.'),
      !admin ? h('p', { class: 'soft' }, 'Only the agency admin installs apps.') : h('div', { class: 'row' },
        button(company.installed ? 'Install again' : 'Install the app', 'install', async () => {
          say('Installing…')
          const result = await api('install', 'POST', { companyId: company.id })
          say(result.callbackStatus === undefined ? 'Installed; the app has no callback address' : `Installed; the app answered ${result.callbackStatus}`)
        }, { class: company.installed ? '' : 'primary' }),
        ...(company.installed ? [button('Uninstall', 'uninstall', async () => {
          await api('uninstall', 'POST', { companyId: company.id })
          say('Uninstalled')
        })] : []))),
    h('section', { class: 'card' }, h('h2', {}, `Accounts (${own.length})`),
      h('ul', { 'data-testid': 'accounts' }, own.map((one) => {
        const path = `/v2/location/${one.id}/dashboard`
        return h('li', {}, h('a', { href: path, onclick: (event) => {
          event.preventDefault()
          view.navigate(path)
        } }, one.name), one.headquarters ? h('span', { class: 'soft' }, ' (the agency’s own)') : null)
      })),
      h('form', { class: 'row', onsubmit: async (event) => {
        event.preventDefault()
        const input = event.target.elements.name
        await api('locations', 'POST', { companyId: company.id, name: input.value })
        input.value = ''
        view.refresh()
      } }, h('label', { for: 'new-account' }, 'Open an account'), h('input', { id: 'new-account', name: 'name', required: true, 'data-testid': 'new-account' }), h('button', {}, 'Open'))),
  ]
}

export async function conversationsPage(view) {
  const { conversations } = await api(`locations/${view.locationId}/conversations`)
  return [h('h1', {}, 'Conversations'), h('div', { 'data-testid': 'conversations' }, conversations.length === 0 ? h('p', { class: 'soft' }, 'No messages yet.') : conversations.map((one) => {
    const path = view.pathFor(`contacts/detail/${one.contactId}`)
    return h('section', { class: 'card' }, h('h2', {}, h('a', { href: path, onclick: (event) => {
      event.preventDefault()
      view.navigate(path)
    } }, one.name)), one.last === null ? null : messageView(one.last))
  }))]
}

export async function tasksPage(view) {
  const { tasks } = await api(`locations/${view.locationId}/tasks`)
  const row = (task) => h('tr', { 'data-testid': 'task' }, h('td', {}, task.title, task.body === '' ? null : h('div', { class: 'soft' }, task.body)), h('td', {}, task.contactName), h('td', {}, task.assignee),
    h('td', {}, when(task.dueDate)), h('td', {}, task.completed ? 'Done' : h('button', { onclick: async () => {
      await api(`tasks/${task.id}/complete`, 'POST', {})
      view.refresh()
    } }, 'Complete')))
  return [h('h1', {}, 'Tasks'), h('div', { class: 'card scroll' }, h('table', { 'data-testid': 'tasks-table' },
    h('thead', {}, h('tr', {}, ['Task', 'Contact', 'Assigned to', 'Due', ''].map((title) => h('th', { scope: 'col' }, title)))), h('tbody', {}, tasks.map(row))))]
}

export async function teamPage(view) {
  const { users } = await api(`locations/${view.locationId}/team`)
  return [h('h1', {}, 'Team'), h('section', { class: 'card' },
    h('ul', { 'data-testid': 'team' }, users.map((user) => h('li', {}, `${user.firstName} ${user.lastName} · ${user.email} · ${user.type === 'agency' ? 'agency' : user.role} `,
      user.type === 'agency' ? null : h('button', { class: 'quiet', 'aria-label': `Remove ${user.firstName} ${user.lastName}`, onclick: async () => {
        await api(`users/${user.id}`, 'DELETE')
        view.refresh()
      } }, 'Remove')))),
    h('form', { class: 'row', onsubmit: async (event) => {
      event.preventDefault()
      const { firstName, lastName, email } = event.target.elements
      await api('users', 'POST', { firstName: firstName.value, lastName: lastName.value, email: email.value, locationId: view.locationId })
      event.target.reset()
      view.refresh()
    } }, h('label', {}, 'First name ', h('input', { name: 'firstName', required: true })), h('label', {}, 'Last name ', h('input', { name: 'lastName' })),
    h('label', {}, 'E-mail ', h('input', { name: 'email', type: 'email', required: true })), h('button', {}, 'Add person')))]
}

const stateWords = { pending: 'waiting', under_way: 'under way', delivered: 'delivered', failed: 'given up', dropped: 'lost on purpose', no_receiver: 'no receiver' }

/** What the platform told the app, and what the app asked of it. */
export async function logPage() {
  const { webhooks, calls } = await api('log')
  return [
    h('h1', {}, 'Webhooks and calls'),
    h('section', { class: 'card scroll' }, h('h2', {}, 'Webhooks sent to the app'), h('table', { 'data-testid': 'webhook-log' },
      h('thead', {}, h('tr', {}, ['When', 'Event', 'Where', 'State', 'Tries', 'Body'].map((title) => h('th', { scope: 'col' }, title)))),
      h('tbody', {}, webhooks.map((one) => h('tr', { 'data-testid': 'webhook', 'data-type': one.type }, h('td', {}, when(one.createdAt)), h('td', {}, one.type), h('td', {}, one.place),
        h('td', { class: one.status === 'failed' ? 'bad' : '' }, `${stateWords[one.status]}${one.lastStatus === null ? '' : ` (${one.lastStatus})`}`), h('td', {}, String(one.attempts)),
        h('td', {}, h('details', {}, h('summary', {}, 'Show'), h('pre', {}, JSON.stringify(JSON.parse(one.body), null, 2))))))))),
    h('section', { class: 'card scroll' }, h('h2', {}, 'Calls by the app'), h('table', { 'data-testid': 'call-log' },
      h('thead', {}, h('tr', {}, ['When', 'Call', 'Where', 'Status', 'Members'].map((title) => h('th', { scope: 'col' }, title)))),
      h('tbody', {}, calls.map((one) => h('tr', { 'data-testid': 'call' }, h('td', {}, when(one.at)), h('td', {}, `${one.method} ${one.path}`), h('td', {}, one.place),
        h('td', { class: one.status >= 400 || one.status === 0 ? 'bad' : '' }, String(one.status)), h('td', {}, one.bodyKeys.join(', '))))))),
  ]
}
