import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Frame, Page } from 'playwright-core'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface AxeNode {
  target: unknown[]
  failureSummary?: string
}
interface AxeResult {
  violations: { id: string; help: string; nodes: AxeNode[] }[]
}

/** Violations of WCAG 2.2 A and AA and of good practice in one document, shadow trees included; each one line. Frames inside are looked at on their own. */
export async function accessibilityFaults(frame: Frame | Page, within?: string): Promise<string[]> {
  if (!(await frame.evaluate<boolean>(`'axe' in window`))) await frame.evaluate(axeSource)
  const options = { iframes: false, resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }
  const context = within === undefined ? 'document' : JSON.stringify({ include: [within] })
  const { violations } = await frame.evaluate<AxeResult>(`axe.run(${context}, ${JSON.stringify(options)})`)
  return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.target.join(' ')} ${node.failureSummary ?? ''}`))
}

/** How far the document can be scrolled sideways, in CSS pixels; 0 is what we want. */
export async function sidewaysScroll(frame: Frame | Page): Promise<number> {
  return frame.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
}

export interface Layout {
  /** Parts that stick out of the window, or whose text is cut. */
  cut: string[]
  /** Buttons, links and fields under 44 × 44. */
  small: string[]
}

/** What a person with a small window sees of the widget. */
export async function widgetLayout(page: Page): Promise<Layout> {
  return page.evaluate<Layout>(`(() => {
    const root = document.querySelector('[data-testid=feedback-widget]').shadowRoot
    const cut = []
    const small = []
    for (const element of root.querySelectorAll('*')) {
      const box = element.getBoundingClientRect()
      if (box.width === 0 || element.closest('.vh') !== null || element instanceof SVGElement) continue
      const name = element.localName + '.' + element.className + ' "' + element.textContent.slice(0, 30) + '"'
      if (box.left < -0.5 || box.right > innerWidth + 0.5) cut.push(name + ' reaches from ' + Math.round(box.left) + ' to ' + Math.round(box.right) + ' of ' + innerWidth)
      if (element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX !== 'visible') cut.push(name + ' is cut')
      if (element.matches('button, textarea, a, [role=radio]') && (box.width < 43.5 || box.height < 43.5)) small.push(name + ' ' + Math.round(box.width) + ' × ' + Math.round(box.height))
    }
    return { cut, small }
  })()`)
}
