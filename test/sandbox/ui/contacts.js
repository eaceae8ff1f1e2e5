import { api, h, say, when } from './dom.js'

function valueOf(contact, field) {
  const value = contact.customFields.find((one) => one.id === field.id)?.value
  return value === undefined ? '' : Array.isArray(value) ? value.join(', ') : String(value)
}

function link(view, path, text, testId) {
  return h('a', { href: path, 'data-testid': testId, onclick: (event) => {
    event.preventDefault()
    view.navigate(path)
  } }, text)
}

/** All contacts of the location, with their custom fields. */
export async function contactsPage(view) {
  const { contacts, fields } = await api(`locations/${view.locationId}/contacts`)
  const rows = contacts.map((contact) => h('tr', { 'data-testid': `contact-row-${contact.email}` },
    h('td', {}, link(view, view.pathFor(`contacts/detail/${contact.id}`), contact.name || contact.email, `contact-link-${contact.email}`), h('div', { class: 'soft' }, contact.email)),
    h('td', {}, contact.companyName),
    h('td', {}, contact.tags.map((tag) => h('span', { class: 'tag only' }, tag))),
    fields.map((field) => h('td', { 'data-testid': `contact-${contact.email}-${field.name}` }, valueOf(contact, field)))))
  return [
    h('h1', {}, `Contacts (${contacts.length})`),
    h('div', { class: 'card scroll' }, h('table', { 'data-testid': 'contacts-table' },
      h('thead', {}, h('tr', {}, ['Name', 'Company', 'Tags', ...fields.map((field) => field.name)].map((title) => h('th', { scope: 'col' }, title)))),
      h('tbody', {}, rows))),
  ]
}

function fieldControl(field, value) {
  const shared = { name: field.id, id: `field-${field.id}`, 'data-testid': `field-${field.name}` }
  if (field.options.length > 0) {
    return h('select', shared, h('option', { value: '' }, '(empty)'), field.options.map((option) => h('option', { value: option, selected: option === value }, option)))
  }
  if (field.dataType === 'LARGE_TEXT') return h('textarea', { ...shared, rows: 2 }, value)
  return h('input', { ...shared, type: field.dataType === 'NUMERICAL' ? 'number' : 'text', step: 'any', value })
}

function fieldsForm(view, contact, fields) {
  const form = h('form', { 'data-testid': 'fields-form', onsubmit: async (event) => {
    event.preventDefault()
    const changed = Object.fromEntries(fields.flatMap((field) => {
      const value = form.elements[field.id].value
      return value === valueOf(contact, field) ? [] : [[field.id, value]]
    }))
    if (Object.keys(changed).length > 0) await api(`contacts/${contact.id}`, 'POST', { fields: changed })
    say('Saved')
    view.refresh()
  } },
  fields.map((field) => h('div', { class: 'field' }, h('label', { for: `field-${field.id}` }, field.name), fieldControl(field, valueOf(contact, field)))),
  h('p', {}, h('button', { class: 'primary', 'data-testid': 'fields-save' }, 'Save fields')))
  return form
}

function tagsForm(view, contact) {
  return h('form', { 'data-testid': 'tags-form', onsubmit: async (event) => {
    event.preventDefault()
    const input = event.target.elements.tag
    await api(`contacts/${contact.id}`, 'POST', { addTag: input.value })
    input.value = ''
    view.refresh()
  } },
  h('div', { 'data-testid': 'tags' }, contact.tags.map((tag) => h('span', { class: 'tag', 'data-testid': `tag-${tag}` }, tag,
    h('button', { type: 'button', class: 'quiet', 'aria-label': `Remove tag ${tag}`, onclick: async () => {
      await api(`contacts/${contact.id}`, 'POST', { removeTag: tag })
      view.refresh()
    } }, '×')))),
  h('div', { class: 'row' }, h('label', { for: 'new-tag' }, 'New tag'), h('input', { id: 'new-tag', name: 'tag', required: true, 'data-testid': 'tag-input' }), h('button', {}, 'Add')))
}

/** One message; HTML mail is shown in a frame without any rights. */
export function messageView(message) {
  const html = message.channel === 'Email' && /<\w+/.test(message.body)
  return h('article', { class: `message ${message.direction}`, 'data-testid': 'message' },
    h('div', { class: 'soft' }, `${message.direction === 'inbound' ? 'From the contact' : 'To the contact'} · ${message.channel} · ${when(message.dateAdded)}`),
    message.subject === '' ? null : h('strong', { 'data-testid': 'message-subject' }, message.subject),
    html ? h('iframe', { sandbox: '', srcdoc: message.body, title: message.subject || 'Message', 'data-testid': 'message-html' }) : h('div', { 'data-testid': 'message-body' }, message.body))
}

/** One contact: fields, tags, conversation, cards, workflows, tasks, notes. */
export async function contactPage(view, contactId) {
  const { contact, fields, messages, notes, tasks, cards, workflows } = await api(`contacts/${contactId}`)
  return [
    h('h1', { 'data-testid': 'contact-name' }, contact.name || contact.email),
    h('p', { class: 'soft' }, [contact.email, contact.phone, contact.companyName].filter(Boolean).join(' · ')),
    h('div', { class: 'columns' },
      h('section', { class: 'card' }, h('h2', {}, 'Custom fields'), fields.length === 0 ? h('p', { class: 'soft' }, 'This account has no custom fields yet.') : fieldsForm(view, contact, fields)),
      h('section', { class: 'card' }, h('h2', {}, 'Tags'), tagsForm(view, contact),
        h('h2', {}, 'Cards'), cards.length === 0 ? h('p', { class: 'soft' }, 'None') : h('ul', { 'data-testid': 'contact-cards' }, cards.map((card) => h('li', {}, `${card.pipeline}: ${card.stage}`))),
        h('h2', {}, 'Workflows'), workflows.length === 0 ? h('p', { class: 'soft' }, 'None') : h('ul', { 'data-testid': 'contact-workflows' }, workflows.map((workflow) => h('li', {}, `${workflow.name}: ${workflow.inside ? 'inside since' : 'passed through'} ${when(workflow.at)}`))),
        h('h2', {}, 'Tasks'), tasks.length === 0 ? h('p', { class: 'soft' }, 'None') : h('ul', {}, tasks.map((task) => h('li', {}, `${task.completed ? '✓ ' : ''}${task.title} (due ${when(task.dueDate)})`))),
        h('h2', {}, 'Notes'), notes.length === 0 ? h('p', { class: 'soft' }, 'None') : h('ul', { 'data-testid': 'contact-notes' }, notes.map((note) => h('li', {}, note.body)))),
      h('section', { class: 'card', 'data-testid': 'conversation' }, h('h2', {}, 'Conversation'),
        messages.length === 0 ? h('p', { class: 'soft' }, 'No messages') : messages.map(messageView),
        h('form', { onsubmit: async (event) => {
          event.preventDefault()
          const input = event.target.elements.text
          await api(`contacts/${contact.id}/reply`, 'POST', { text: input.value })
          input.value = ''
          view.refresh()
        } }, h('div', { class: 'row' }, h('label', { for: 'reply' }, 'Reply as the contact'), h('input', { id: 'reply', name: 'text', required: true, 'data-testid': 'reply-input' }), h('button', { 'data-testid': 'reply-send' }, 'Send'))))),
  ]
}
