import { api, h, say } from './dom.js'
import { offerHost, runCustomJs, tellRoute } from './host.js'
import { contactPage, contactsPage } from './contacts.js'
import { boardsPage } from './boards.js'
import { builderPage } from './builder.js'
import { accountsPage, conversationsPage, logPage, plainPage, tasksPage, teamPage } from './pages.js'

/** Left-hand entries inside a sub-account; the addresses are the host's own, because scripts read them. */
const locationEntries = [
  ['dashboard', 'Dashboard'], ['conversations/conversations', 'Conversations'], ['calendars/view', 'Calendars'], ['contacts/smart_list/All', 'Contacts'],
  ['opportunities/list', 'Opportunities'], ['tasks', 'Tasks'], ['payments/invoices', 'Payments'], ['marketing/social-planner', 'Marketing'], ['automation/workflows', 'Automation'],
  ['funnels-websites/funnels', 'Sites'], ['reputation/overview', 'Reputation'], ['reporting/reports', 'Reporting'], ['settings/staff', 'Team'],
]
const appEntries = [['workspace', 'Customers'], ['health-card', 'Health card']]

let session
let person
const main = document.getElementById('main')
main.addEventListener('input', (event) => event.target.form?.setAttribute('data-dirty', ''))
main.addEventListener('submit', (event) => event.target.removeAttribute('data-dirty'))

function currentPath() {
  const match = /^\/v2\/location\/(\w+)(?:\/(.*))?$/.exec(location.pathname)
  if (match !== null) return { locationId: match[1], page: match[2] || 'dashboard' }
  const agency = /^\/v2\/agency\/(.*)$/.exec(location.pathname)
  return { locationId: undefined, page: agency?.[1] ?? 'accounts' }
}

function route() {
  const { locationId, page } = currentPath()
  return { path: location.pathname, fullPath: location.pathname + location.search, name: page.replace(/\//g, '_'), params: { locationId: locationId ?? '' } }
}

const companyOf = () => session.companies.find((company) => company.id === person.companyId)
const locationNow = () => session.locations.find((one) => one.id === currentPath().locationId)
const inAgency = (one) => one.type === 'agency'

function mayEnter(one) {
  if (one.companyId !== person.companyId) return false
  return (inAgency(person) && person.role === 'admin') || person.locationIds.includes(one.id)
}

function pathFor(locationId, page) {
  return locationId === undefined ? `/v2/agency/${page}` : `/v2/location/${locationId}/${page}`
}

export function navigate(path) {
  if (path !== location.pathname) history.pushState({}, '', path)
  moved()
}

function moved() {
  render(true)
  tellRoute(false, route())
}

/** Scripts run on the page that is there already, then hear that it is loaded. */
async function startScripts() {
  await runCustomJs()
  tellRoute(true, route())
}

function entry(page, label, testId) {
  const path = pathFor(currentPath().locationId, page)
  return h('a', { href: path, 'data-testid': testId, 'aria-current': location.pathname === path ? 'page' : undefined, onclick: (event) => {
    event.preventDefault()
    navigate(path)
    main.focus()
  } }, label)
}

function renderChrome() {
  const here = currentPath()
  const people = document.getElementById('person-select')
  const nameOf = (one) => {
    if (inAgency(one)) return `${one.name} (${one.role === 'admin' ? 'agency admin' : 'CSM'})`
    return `${one.name} (${session.locations.find((place) => place.id === one.locationIds[0])?.name ?? 'no account'})`
  }
  people.replaceChildren(...session.companies.map((company) => h('optgroup', { label: company.name },
    session.people.filter((one) => one.companyId === company.id).sort((a, b) => Number(inAgency(b)) - Number(inAgency(a)))
      .map((one) => h('option', { value: one.id, selected: one.id === person.id }, nameOf(one))))))
  const places = document.getElementById('location-select')
  places.replaceChildren(
    ...(inAgency(person) ? [h('option', { value: '', selected: here.locationId === undefined }, `${companyOf().name} (agency)`)] : []),
    ...session.locations.filter(mayEnter).map((one) => h('option', { value: one.id, selected: one.id === here.locationId }, one.name)))
  document.getElementById('nav').replaceChildren(
    ...(here.locationId === undefined ? [entry('accounts', 'Accounts', 'nav-accounts')] : locationEntries.map(([page, label]) => entry(page, label, `nav-${page.split('/')[0]}`))),
    ...(companyOf().installed ? [h('h2', {}, 'App'), ...appEntries.map(([page, label]) => entry(`custom-page-link/${page}`, label, `nav-app-${page}`)),
      ...(here.locationId === undefined ? [] : [entry('workflow-builder', 'Workflow builder', 'nav-workflow-builder')])] : []),
    h('h2', {}, 'Behind the scenes'), entry('log', 'Webhooks and calls', 'nav-log'),
  )
}

/** Somebody is typing, dragging or reading something that a new render would take away. */
function busy() {
  return main.querySelector('form[data-dirty], [data-busy], details[open]') !== null
}

/** @param fresh false: the same page again with newer data; pages being edited or framed are left alone */
async function render(fresh) {
  renderChrome()
  const { locationId, page } = currentPath()
  const shown = `${person.id} ${location.pathname}`
  if (!fresh && (page.startsWith('custom-page-link/') || busy())) return
  main.classList.toggle('full', page.startsWith('custom-page-link/'))
  const view = { session, person, company: companyOf(), locationId, navigate, pathFor: (target) => pathFor(locationId, target), refresh: () => load().then(() => render(false)) }
  const build = async () => {
    const custom = /^custom-page-link\/(.+)$/.exec(page)
    if (custom !== null) return [h('iframe', { 'data-custom-page': custom[1], 'data-testid': `frame-${custom[1]}`, title: custom[1], src: `${session.app.appUrl}/pages/${custom[1]}` })]
    if (page === 'log') return logPage(view)
    if (locationId === undefined) return accountsPage(view)
    const contact = /^contacts\/detail\/(\w+)$/.exec(page)
    if (contact !== null) return contactPage(view, contact[1])
    if (page.startsWith('contacts/')) return contactsPage(view)
    if (page.startsWith('opportunities/')) return boardsPage(view)
    if (page.startsWith('conversations/')) return conversationsPage(view)
    if (page === 'tasks') return tasksPage(view)
    if (page === 'workflow-builder') return builderPage(view)
    if (page === 'settings/staff') return teamPage(view)
    return plainPage(locationEntries.find(([key]) => key === page)?.[1] ?? 'Page')
  }
  const content = await build()
  if (shown !== `${person.id} ${location.pathname}`) return
  if (!fresh && busy()) return
  const focused = main.contains(document.activeElement) ? document.activeElement.getAttribute('data-testid') : null
  main.replaceChildren(...content)
  if (!fresh && focused !== null) main.querySelector(`[data-testid="${CSS.escape(focused)}"]`)?.focus()
  main.dataset.page = page
}

async function load() {
  session = await api('session')
}

async function start() {
  await load()
  const wanted = new URLSearchParams(location.search).get('as') ?? sessionStorage.getItem('person')
  person = session.people.find((one) => one.id === wanted) ?? session.people.find((one) => inAgency(one) && one.role === 'admin')
  sessionStorage.setItem('person', person.id)
  const here = locationNow()
  const home = inAgency(person) ? '/v2/agency/accounts' : pathFor(person.locationIds[0], 'dashboard')
  if (location.pathname === '/' || (here === undefined ? !inAgency(person) : !mayEnter(here))) history.replaceState({}, '', home)

  offerHost({ person: () => person, location: locationNow, company: companyOf, appId: () => session.app.appId, route, navigate })
  document.getElementById('person-select').addEventListener('change', (event) => {
    // Another person is another login: the page starts afresh.
    sessionStorage.setItem('person', event.target.value)
    window.location.assign('/')
  })
  document.getElementById('location-select').addEventListener('change', (event) => {
    const id = event.target.value
    navigate(id === '' ? '/v2/agency/accounts' : pathFor(id, currentPath().locationId === undefined || currentPath().page.startsWith('contacts/detail') ? 'dashboard' : currentPath().page))
  })
  window.addEventListener('popstate', moved)
  await render(true)
  if (companyOf().installed) await startScripts()

  let wasInstalled = companyOf().installed
  const changes = new EventSource('/ui-api/events')
  changes.addEventListener('change', async () => {
    await load()
    person = session.people.find((one) => one.id === person.id) ?? person
    await render(false)
    if (!wasInstalled && companyOf().installed) await startScripts()
    wasInstalled = companyOf().installed || wasInstalled
  })
  document.documentElement.dataset.ready = 'yes'
}

start().catch((error) => say(error.message))
