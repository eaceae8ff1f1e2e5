import { api, h, say, when } from './dom.js'

const labelled = (label, control) => h('div', { class: 'field' }, h('label', { for: control.id }, label), control)

function choices(id, options, { multiple = false, empty, selected = [], testId } = {}) {
  return h('select', { id, name: id, multiple, 'data-testid': testId, size: multiple ? Math.min(options.length, 5) : undefined },
    empty === undefined ? null : h('option', { value: '' }, empty),
    options.map(({ label, value }) => h('option', { value, selected: selected.includes(value) }, label)))
}

function valuesOf(control) {
  if (control.tagName === 'SELECT' && control.multiple) return [...control.selectedOptions].map((option) => option.value)
  return control.value
}

const isSet = (value) => (Array.isArray(value) ? value.length > 0 : value !== '')

/** A control for one filter or field of the app. */
function controlFor(prefix, field, selected = []) {
  const id = `${prefix}-${field.field}`
  if (field.options !== undefined && field.options.length > 0) return choices(id, field.options, { multiple: field.type === 'multiselect', ...(field.type === 'multiselect' ? {} : { empty: '(any)' }), selected, testId: id })
  if (field.type === 'textarea') return h('textarea', { id, name: id, rows: 2, 'data-testid': id })
  return h('input', { id, name: id, 'data-testid': id })
}

/** Choices that are the agency's own are asked of the app, as the builder does when a step is opened. */
async function withDynamic(view, fields, path, read) {
  if (path === null || !fields.some((field) => field.dynamic)) return fields
  const answer = await api(`locations/${view.locationId}/builder/dynamic?${new URLSearchParams({ path })}`)
  const known = read(answer)
  return fields.map((field) => (field.dynamic ? { ...field, options: known.find((one) => one.field === field.field)?.options ?? [] } : field))
}

const valueText = (value) => (Array.isArray(value) ? value.join(', ') : String(value))

function pretty(value) {
  return h('details', {}, h('summary', {}, 'Show'), h('pre', {}, JSON.stringify(value, null, 2)))
}

function triggerForm(view, data) {
  const place = h('div', { 'data-testid': 'trigger-filters' })
  const pick = choices('trigger-key', data.triggers.map(({ key, name }) => ({ label: name, value: key })), { testId: 'trigger-key' })
  const workflow = choices('trigger-workflow', data.workflows.map(({ id, name, status }) => ({ label: status === 'draft' ? `${name} (draft)` : name, value: id })), { testId: 'trigger-workflow' })
  let controls = []
  async function show() {
    const trigger = data.triggers.find((one) => one.key === pick.value)
    const fields = await withDynamic(view, trigger.filters, trigger.dynamicFiltersUrl, (answer) => answer.filters ?? [])
    // So that a first try is one click: the answers that one wants to celebrate.
    controls = fields.map((field) => ({ field, control: controlFor('filter', field, trigger.key === 'feedback_received' && field.field === 'level' ? ['very_happy'] : []) }))
    place.replaceChildren(...controls.map(({ field, control }) => labelled(field.title, control)))
  }
  pick.addEventListener('change', show)
  void show()
  return h('form', { 'data-testid': 'trigger-form', onsubmit: async (event) => {
    event.preventDefault()
    const filters = controls.map(({ field, control }) => ({ field: field.field, value: valuesOf(control), ...(field.type === 'string' ? { operator: 'contains' } : {}) })).filter(({ value }) => isSet(value))
    const put = await api('builder/triggers', 'POST', { workflowId: workflow.value, key: pick.value, filters })
    say(put.told === 200 ? 'The trigger is in the workflow; the app knows' : `The app answered ${put.told}: ${put.answer}`)
    event.target.removeAttribute('data-dirty')
    view.refresh()
  } }, labelled('Trigger', pick), labelled('Workflow', workflow), place, h('p', {}, h('button', { class: 'primary', 'data-testid': 'trigger-add' }, 'Put it into the workflow')))
}

function actionForm(view, data) {
  const place = h('div', { 'data-testid': 'action-fields' })
  const pick = choices('action-key', data.actions.map(({ key, name }) => ({ label: name, value: key })), { testId: 'action-key' })
  const workflow = choices('action-workflow', data.workflows.map(({ id, name }) => ({ label: name, value: id })), { testId: 'action-workflow' })
  const contact = choices('action-contact', data.contacts.map(({ id, name, email }) => ({ label: `${name || email} (${email})`, value: id })), { testId: 'action-contact' })
  let controls = []
  async function show() {
    const action = data.actions.find((one) => one.key === pick.value)
    const fields = await withDynamic(view, action.fields, action.dynamicFieldsUrl, (answer) => (answer.inputs ?? []).flatMap((section) => section.fields))
    controls = fields.map((field) => ({ field, control: controlFor('action', field) }))
    place.replaceChildren(...controls.map(({ field, control }) => labelled(field.required ? `${field.title} *` : field.title, control)))
  }
  pick.addEventListener('change', show)
  void show()
  return h('form', { 'data-testid': 'action-form', onsubmit: async (event) => {
    event.preventDefault()
    const action = data.actions.find((one) => one.key === pick.value)
    const filled = Object.fromEntries(controls.map(({ field, control }) => [field.field, valuesOf(control)]).filter(([, value]) => isSet(value)))
    // One branch per level, as a person would draw them.
    const branches = action.branchFields.length === 0 ? {} : { branches: action.branchFields[0].options.map(({ label, value }) => ({ id: `branch-${value}`, name: label, fields: { level: value } })) }
    const run = await api('builder/actions', 'POST', { workflowId: workflow.value, contactId: contact.value, key: pick.value, data: filled, ...branches })
    say(run.status === 200 ? 'The step is done' : `The app refused: ${run.answer?.error?.message ?? run.status}`)
    event.target.removeAttribute('data-dirty')
    view.refresh()
  } }, labelled('Action', pick), labelled('In workflow', workflow), labelled('For contact', contact), place,
  h('p', {}, h('button', { class: 'primary', 'data-testid': 'action-run', disabled: data.contacts.length === 0 }, 'Run it now')))
}

/** The CRM's workflow builder: the app's triggers in workflows, what they started, and its actions as steps. */
export async function builderPage(view) {
  const data = await api(`locations/${view.locationId}/builder`)
  const workflowName = (id) => data.workflows.find((one) => one.id === id)?.name ?? id
  const triggerName = (key) => data.triggers.find((one) => one.key === key)?.name ?? key
  const actionName = (key) => data.actions.find((one) => one.key === key)?.name ?? key
  const head = (titles) => h('thead', {}, h('tr', {}, titles.map((title) => h('th', { scope: 'col' }, title))))
  if (data.workflows.length === 0) return [h('h1', {}, 'Workflow builder'), h('p', { class: 'soft' }, 'This account has no workflows. The agency’s own account has some.')]
  return [
    h('h1', {}, 'Workflow builder'),
    h('p', { class: 'soft' }, 'The app’s premium triggers and actions, as far as a workflow shows them. Each run of one costs the account money on the real platform.'),
    h('div', { class: 'columns' },
      h('section', { class: 'card' }, h('h2', {}, 'Start a workflow'), triggerForm(view, data)),
      h('section', { class: 'card' }, h('h2', {}, 'Run a step'), actionForm(view, data))),
    h('section', { class: 'card scroll' }, h('h2', {}, 'Triggers in workflows'), h('table', { 'data-testid': 'trigger-table' }, head(['Trigger', 'Workflow', 'Filters', 'The app answered', 'Change']),
      h('tbody', {}, data.subscribed.map((trigger) => h('tr', { 'data-testid': 'trigger', 'data-key': trigger.key }, h('td', {}, triggerName(trigger.key)), h('td', {}, workflowName(trigger.workflowId)),
        h('td', {}, trigger.filters.map((filter) => `${filter.title} ${filter.operator} ${valueText(filter.value)}`).join('; ') || 'none'), h('td', { class: trigger.told === 200 || trigger.answer === '' ? '' : 'bad' }, trigger.answer === '' ? 'waiting' : `${trigger.told} ${trigger.answer}`),
        h('td', {}, h('button', { class: 'quiet', 'aria-label': `Take out: ${triggerName(trigger.key)} of ${workflowName(trigger.workflowId)}`, onclick: async () => {
          await api(`builder/triggers/${trigger.id}`, 'DELETE')
          view.refresh()
        } }, 'Take out'))))))),
    h('section', { class: 'card scroll' }, h('h2', {}, 'Started workflows'), h('table', { 'data-testid': 'execution-table' }, head(['When', 'Trigger', 'Workflow', 'Contact', 'Variables']),
      h('tbody', {}, data.executions.map((one) => h('tr', { 'data-testid': 'execution', 'data-key': one.key }, h('td', {}, when(one.at)), h('td', {}, triggerName(one.key)), h('td', {}, workflowName(one.workflowId)),
        h('td', {}, one.contactName || 'none'), h('td', {}, pretty(one.payload))))))),
    h('section', { class: 'card scroll' }, h('h2', {}, 'Steps carried out'), h('table', { 'data-testid': 'action-table' }, head(['When', 'Action', 'Workflow', 'Status', 'Answer']),
      h('tbody', {}, data.runs.map((one) => h('tr', { 'data-testid': 'action-run-row', 'data-key': one.key }, h('td', {}, when(one.at)), h('td', {}, actionName(one.key)), h('td', {}, workflowName(one.workflowId)),
        h('td', { class: one.status === 200 ? '' : 'bad' }, String(one.status)), h('td', {}, pretty(one.answer))))))),
  ]
}
