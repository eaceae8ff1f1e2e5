const svgSpace = 'http://www.w3.org/2000/svg'

/** Attributes; `on*` members are listeners. */
export type Attributes = Record<string, string | ((event: never) => void)>

export type Child = Node | string | null

/** Creates an element; text only ever enters as text. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value as (event: Event) => void)
    else element.setAttribute(name, value)
  }
  for (const child of children) if (child !== null) element.append(child)
  return element
}

/** An SVG of paths, hidden from readers. */
export function svg(className: string, size: number, paths: [className: string, d: string][]): SVGElement {
  const element = document.createElementNS(svgSpace, 'svg')
  element.setAttribute('class', className)
  element.setAttribute('viewBox', `0 0 ${size} ${size}`)
  element.setAttribute('aria-hidden', 'true')
  for (const [name, d] of paths) {
    const path = document.createElementNS(svgSpace, 'path')
    path.setAttribute('d', d)
    path.setAttribute('class', name)
    element.append(path)
  }
  return element
}
