import { Liquid, LiquidError, type Template } from 'liquidjs'
import { mergeFields, mergeScope, type MergeValues } from './fields.ts'

/** Where a template is wrong, counted from 1. */
export interface TemplateFault {
  line: number
  column: number
  /** One sentence that names the fault and the fix. */
  message: string
}

/** `text`: as it is. `html`: values are HTML-escaped. `line`: as text, in one line (subjects and titles). */
export type TemplateKind = 'text' | 'html' | 'line'

const allowedTags = new Set(['if', 'unless', 'case', 'comment'])
const allowedFilters = new Set(['default', 'capitalize', 'upcase', 'downcase', 'strip', 'truncate', 'escape'])
const knownFields = new Set<string>(mergeFields.map((field) => field.key))
/** Fields that may be empty, and so must be guarded by an if. */
const limits = { parseLimit: 50_000, renderLimit: 200, memoryLimit: 1_000_000 }

function createEngine(options: { escapes: boolean }): Liquid {
  const engine = new Liquid({
    strictFilters: true,
    strictVariables: true,
    ownPropertyOnly: true,
    ...limits,
    ...(options.escapes ? { outputEscape: 'escape' as const } : {}),
  })
  for (const name of Object.keys(engine.tags)) if (!allowedTags.has(name)) Reflect.deleteProperty(engine.tags, name)
  for (const name of Object.keys(engine.filters)) if (!allowedFilters.has(name)) Reflect.deleteProperty(engine.filters, name)
  return engine
}

const plain = createEngine({ escapes: false })
const escaping = createEngine({ escapes: true })

/**
 * Checks a template without values: it parses, uses only the fields and filters there are, and cannot come out in parts.
 * @returns faults in the order of their place; none means that rendering cannot fail
 */
export function checkTemplate(source: string): TemplateFault[] {
  let parsed: Template[]
  try {
    parsed = plain.parse(source)
  } catch (error) {
    return [faultOf(error, source)]
  }
  const faults: TemplateFault[] = []
  for (const uses of Object.values(plain.analyzeSync(parsed).globals)) {
    for (const use of uses) {
      const name = use.segments.map((segment) => (typeof segment === 'string' ? segment : '?')).join('.')
      if (!knownFields.has(name)) faults.push({ line: use.location.row, column: use.location.col, message: `There is no field “${name}”.${nearest(name)}` })
    }
  }
  if (faults.length === 0) {
    for (const values of [{}, allFieldsFilled]) {
      try {
        plain.renderSync(parsed, mergeScope(values))
      } catch (error) {
        return [faultOf(error, source)]
      }
    }
  }
  return faults.sort((one, other) => one.line - other.line || one.column - other.column)
}

/** The fields that a template uses, in no order; none if it does not parse. */
export function fieldsOf(source: string): string[] {
  try {
    return plain.globalFullVariablesSync(source)
  } catch {
    // What does not parse is told by `checkTemplate`, with its place.
    return []
  }
}

const allFieldsFilled: MergeValues = Object.fromEntries(mergeFields.map((field) => [field.key, field.sample]))

/**
 * Fills a template in.
 * @throws LiquidError if it was not checked before
 */
export function renderTemplate(kind: TemplateKind, source: string, values: MergeValues): string {
  const engine = kind === 'html' ? escaping : plain
  const rendered = String(engine.parseAndRenderSync(source, mergeScope(values)))
  // A subject is one header line: a line break from a name must not start another header.
  return kind === 'line' ? rendered.replace(/\s+/g, ' ').trim() : rendered.trim()
}

const liquidParts = /(\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\})/

/** The HTML twin of a text template: paragraphs at blank lines, the author's own characters escaped, fields left as they are. */
export function htmlFromText(source: string): string {
  return source
    .trim()
    .split(/\n{2,}/)
    .map((paragraph) => `<p>${paragraph.split(liquidParts).map((part, index) => (index % 2 === 1 ? part : escapeHtml(part).replace(/\n/g, '<br>\n'))).join('')}</p>`)
    .join('\n')
}

function escapeHtml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}

function faultOf(error: unknown, source: string): TemplateFault {
  if (!LiquidError.is(error)) return { line: 1, column: 1, message: error instanceof Error ? error.message : String(error) }
  const [line, column] = error.token.getPosition() as [number, number]
  const reason = (error.originalError?.message ?? error.message).replace(/, (?:line|file):?.*$/s, '')
  return { line: Math.min(line, source.split('\n').length), column, message: sentenceOf(reason) }
}

function sentenceOf(reason: string): string {
  const filter = /undefined filter: (\S+)/.exec(reason)
  if (filter?.[1] !== undefined) return `There is no filter “${filter[1]}”. Use one of: ${[...allowedFilters].join(', ')}.`
  const tag = /tag "?(\w+)"? not found/.exec(reason)
  if (tag?.[1] !== undefined) return `“${tag[1]}” cannot be used here. Use one of: ${[...allowedTags].join(', ')}.`
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`.replace(/\.\.$/, '.')
}

/** Suggests a field of the same group, or of the same last name. */
function nearest(name: string): string {
  const [group, last] = name.split('.')
  const candidates = [...knownFields].filter((key) => key.startsWith(`${group ?? ''}.`) || (last !== undefined && key.endsWith(`.${last}`)))
  return candidates.length === 0 ? ' Pick one from the list of fields.' : ` Did you mean ${candidates.slice(0, 4).join(', ')}?`
}
