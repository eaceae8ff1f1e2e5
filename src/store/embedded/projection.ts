import { notSupported, ServerError } from './errors.ts'
import { isDoc, isNumber, member, setMember, toNumber, type Doc, type Value } from './values.ts'

/** What a projection keeps or leaves out below one document. */
interface ProjectionNode { children: Map<string, ProjectionNode | true> }
export type Projection = ((doc: Doc) => Doc) | undefined

/**
 * Parses an inclusion or exclusion; undefined keeps everything.
 * @throws 31254/31253 on a mixture, 31249 on colliding paths; expressions and array operators are refused
 */
export function parseProjection(spec: Doc): Projection {
  const flat: { path: string; include: boolean }[] = []
  flatten(spec, '', flat)
  const others = flat.filter(({ path }) => path !== '_id')
  const id = flat.find(({ path }) => path === '_id')
  const inclusion = others[0]?.include ?? id?.include ?? false
  if (flat.length === 0) return undefined
  const odd = others.find(({ include }) => include !== inclusion)
  if (odd !== undefined) {
    throw inclusion
      ? new ServerError(31254, `Cannot do exclusion on field ${odd.path} in inclusion projection`)
      : new ServerError(31253, `Cannot do inclusion on field ${odd.path} in exclusion projection`)
  }
  const root: ProjectionNode = { children: new Map() }
  for (const { path } of others) addPath(root, path.split('.'), path)
  const withId = id?.include ?? true
  if (inclusion ? withId : !withId) root.children.set('_id', true)
  if (inclusion) return (doc) => including(root, doc)
  return root.children.size === 0 ? undefined : (doc) => excluding(root, doc)
}

function flatten(spec: Doc, prefix: string, into: { path: string; include: boolean }[]): void {
  for (const [name, value] of Object.entries(spec)) {
    const path = prefix + name
    if (name.startsWith('$') || name.endsWith('.$')) throw notSupported(`the projection '${path}'`, name.startsWith('$') ? 31325 : 'BadValue')
    if (name === '' || name.split('.').includes('')) throw new ServerError(40352, 'FieldPath cannot be constructed with empty string')
    if (value === true || value === false) into.push({ path, include: value })
    else if (isNumber(value)) into.push({ path, include: toNumber(value) !== 0 })
    else if (isDoc(value) && Object.keys(value).length > 0) {
      const operator = Object.keys(value).find((key) => key.startsWith('$'))
      if (operator !== undefined) throw notSupported(`the projection operator ${operator}`, 31325)
      flatten(value, `${path}.`, into)
    } else throw notSupported(`a value or expression in a projection ('${path}')`, 'BadValue')
  }
}

function addPath(node: ProjectionNode, parts: string[], path: string): void {
  const [first, ...rest] = parts as [string, ...string[]]
  const existing = node.children.get(first)
  if (rest.length === 0) {
    if (existing !== undefined && existing !== true) throw new ServerError(31250, `Path collision at ${path}`)
    node.children.set(first, true)
    return
  }
  if (existing === true) throw new ServerError(31249, `Path collision at ${path} remaining portion ${rest.join('.')}`)
  const child = existing ?? { children: new Map() }
  node.children.set(first, child)
  addPath(child, rest, path)
}

function including(node: ProjectionNode, doc: Doc): Doc {
  const result: Doc = {}
  for (const name of Object.keys(doc)) {
    const child = node.children.get(name)
    if (child === undefined) continue
    const value = member(doc, name) as Value
    const kept = child === true ? value : includedValue(child, value)
    if (kept !== undefined) setMember(result, name, kept)
  }
  return result
}

function includedValue(node: ProjectionNode, value: Value): Value | undefined {
  if (isDoc(value)) return including(node, value)
  if (!Array.isArray(value)) return undefined
  return value.map((element) => includedValue(node, element)).filter((element) => element !== undefined)
}

function excluding(node: ProjectionNode, doc: Doc): Doc {
  const result: Doc = {}
  for (const name of Object.keys(doc)) {
    const child = node.children.get(name)
    if (child === true) continue
    const value = member(doc, name) as Value
    setMember(result, name, child === undefined ? value : excludedValue(child, value))
  }
  return result
}

function excludedValue(node: ProjectionNode, value: Value): Value {
  if (isDoc(value)) return excluding(node, value)
  return Array.isArray(value) ? value.map((element) => excludedValue(node, element)) : value
}
