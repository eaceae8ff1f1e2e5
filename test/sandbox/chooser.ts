import type { ServerResponse } from 'node:http'
import { emitInstall, recordInstall } from './install.ts'
import type { World } from './world.ts'

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** The choice of where to install. A browser sees a form; any other client is sent on with everything chosen. */
export function createChooser(world: World) {
  const { state, settings } = world

  function refuse(response: ServerResponse, message: string): void {
    response.writeHead(400, { 'content-type': 'text/html; charset=utf-8' })
    response.end(`<!doctype html><html lang="en"><title>Cannot install</title><h1>Cannot install</h1><p>${escape(message)}</p></html>`)
  }

  function form(response: ServerResponse, asked: URLSearchParams): void {
    const hidden = ['client_id', 'redirect_uri', 'scope', 'state', 'response_type', 'version_id']
      .flatMap((name) => (asked.get(name) === null ? [] : [`<input type="hidden" name="${name}" value="${escape(asked.get(name) ?? '')}">`]))
    const agencies = state.companies.values().map((company, index) => {
      const locations = state.locations.by('company', company.id)
      const boxes = locations.map((location) => `<label class="row"><input type="checkbox" name="locationId" value="${location.id}" checked> ${escape(location.name)}</label>`)
      return `<section><label class="row"><input type="radio" name="companyId" value="${company.id}"${index === 0 ? ' checked' : ''}> <b>${escape(company.name)}</b> (${locations.length} accounts)</label>
<details><summary>Choose accounts</summary><fieldset><legend>Install for</legend>${boxes.join('')}</fieldset></details></section>`
    })
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
    response.end(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Install the app</title>
<link rel="stylesheet" href="/ui/style.css"></head><body class="plain"><main class="sheet" data-testid="chooser"><h1>Install the app</h1><p>The app asks to work for your agency and its accounts.</p>
<form method="post" action="/v2/oauth/chooselocation">${hidden.join('')}${agencies.join('')}
<label class="row"><input type="checkbox" name="future" value="yes" checked> Also for accounts that are opened later</label>
<p><button class="primary" data-testid="chooser-install">Install</button></p></form></main></body></html>`)
  }

  return function choose(method: string, url: URL, asked: URLSearchParams, accept: string, response: ServerResponse): void {
    const clientId = asked.get('client_id')
    if (clientId !== null && clientId !== settings.app.clientId) {
      refuse(response, 'error.noversionid: no app has this client_id')
      return
    }
    const redirect = asked.get('redirect_uri') ?? settings.app.redirectUri
    if (redirect === undefined) {
      refuse(response, 'redirect_uri is missing')
      return
    }
    if (method === 'GET' && accept.includes('text/html')) {
      form(response, url.searchParams)
      return
    }
    const companyId = asked.get('companyId') ?? state.companies.values()[0]?.id ?? ''
    const own = new Set(state.locations.by('company', companyId).map((location) => location.id))
    const chosen = asked.getAll('locationId').filter((id) => own.has(id))
    const scopes = asked.get('scope')?.split(' ').filter((scope) => scope !== '')
    const everything = method === 'GET' || chosen.length === own.size
    const { code, installation } = recordInstall(world, {
      companyId, ...(everything ? {} : { locationIds: chosen }), ...(scopes === undefined ? {} : { scopes: scopes.filter((scope) => settings.app.scopes.includes(scope)) }),
      installToFutureLocations: method === 'GET' || asked.get('future') === 'yes',
    })
    emitInstall(world, installation, everything ? [...own] : chosen)
    const target = new URL(redirect)
    target.searchParams.set('code', code)
    const given = asked.get('state')
    if (given !== null) target.searchParams.set('state', given)
    response.writeHead(302, { location: target.href })
    response.end()
  }
}
