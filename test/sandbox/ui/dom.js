/** Builds an element: `h('p', { class: 'soft', onclick: f }, 'text', child, …)`. Text is never read as HTML. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value)
    else if (key === 'value') element.value = value
    else element.setAttribute(key, value === true ? '' : String(value))
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined))
  return element
}

let clearing
/** Says something to the person, for a few seconds. */
export function say(text) {
  const status = document.getElementById('status')
  status.textContent = text
  clearTimeout(clearing)
  clearing = setTimeout(() => (status.textContent = ''), 6_000)
}

/** Calls the stand-in's own JSON calls; a refusal is shown and thrown. */
export async function api(path, method = 'GET', body) {
  const response = await fetch(`/ui-api/${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }) })
  const answer = await response.json()
  if (!response.ok) {
    const message = [answer.message].flat().join('; ')
    say(message)
    throw new Error(message)
  }
  return answer
}

export function when(iso) {
  return new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })
}
