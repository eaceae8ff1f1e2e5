/** What was changed and not saved: path of a member → its new value. */
export type Edits = Readonly<Record<string, unknown>>

type Tree = Record<string, unknown>

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function sameValue(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** The member at a dotted path; undefined where there is none. */
export function valueAt(tree: unknown, path: string): unknown {
  let at = tree
  for (const name of path.split('.')) at = isTree(at) && Object.hasOwn(at, name) ? at[name] : undefined
  return at
}

/** With one more edit; a value that is the stored one again is no edit. */
export function withEdit(edits: Edits, path: string, value: unknown, stored: unknown): Edits {
  const { [path]: _, ...others } = edits
  return sameValue(value, stored) ? others : { ...others, [path]: value }
}

/** Without the edits of these paths. */
export function withoutEdits(edits: Edits, paths: readonly string[]): Edits {
  return Object.fromEntries(Object.entries(edits).filter(([path]) => !paths.includes(path)))
}

/** Only the edits of these paths. */
export function editsOf(edits: Edits, paths: readonly string[]): Edits {
  return Object.fromEntries(Object.entries(edits).filter(([path]) => paths.includes(path)))
}

/** The edits as the body of a change: members nested as the settings are. */
export function patchOf(edits: Edits): Tree {
  const patch: Tree = {}
  for (const [path, value] of Object.entries(edits)) {
    const names = path.split('.')
    const last = names.pop() ?? ''
    let at = patch
    for (const name of names) {
      const inner = at[name]
      at = isTree(inner) ? inner : (at[name] = {})
    }
    at[last] = value
  }
  return patch
}

/** What the server said about a member, about something inside it, or about the whole request where it names neither. */
export function problemsOf(fields: Readonly<Record<string, string>>, paths: readonly string[]): { at: Record<string, string>; elsewhere: string[] } {
  const at: Record<string, string> = {}
  const elsewhere: string[] = []
  for (const [field, problem] of Object.entries(fields)) {
    const owner = paths.find((path) => field === path || field.startsWith(`${path}.`))
    // A rule about a group, such as the order of the cuts, stands at the first of its members here.
    const member = owner ?? paths.find((path) => path.startsWith(`${field}.`))
    if (member === undefined) elsewhere.push(`${field}: ${problem}`)
    else at[member] ??= problem
  }
  return { at, elsewhere }
}
