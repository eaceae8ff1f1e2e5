import { agencySettings, defaultAgencySettings, type AgencySettings } from '../http/contract/settings.ts'

/** A settings member: a value, a list, or a group of further members. */
type Tree = Record<string, unknown>

function isGroup(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sameValue(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}

/** `over` laid on `base`: groups member by member, values and lists whole. Neither argument is changed. */
export function overlay(base: Tree, over: Tree): Tree {
  const merged: Tree = { ...base }
  for (const [name, value] of Object.entries(over)) {
    if (value === undefined) continue
    const below = merged[name]
    merged[name] = isGroup(value) && isGroup(below) ? overlay(below, value) : value
  }
  return merged
}

/** The members of `value` that differ from `base`; equal ones and empty groups are left out. */
export function differences(base: Tree, value: Tree): Tree {
  const differing: Tree = {}
  for (const [name, member] of Object.entries(value)) {
    const below = base[name]
    if (isGroup(member) && isGroup(below)) {
      const inner = differences(below, member)
      if (Object.keys(inner).length > 0) differing[name] = inner
    } else if (!sameValue(member, below)) differing[name] = member
  }
  return differing
}

/** Dotted paths of the leaves of a partial settings tree. */
export function pathsOf(tree: Tree, prefix = ''): string[] {
  return Object.entries(tree).flatMap(([name, value]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`
    return isGroup(value) ? pathsOf(value, path) : [path]
  })
}

/**
 * The tree without the member (or whole group) at a dotted path. A path that is not there changes nothing.
 */
export function without(tree: Tree, path: string): Tree {
  const [name = '', ...rest] = path.split('.')
  if (!Object.hasOwn(tree, name)) return tree
  const { [name]: member, ...others } = tree
  if (rest.length === 0 || !isGroup(member)) return others
  const inner = without(member, rest.join('.'))
  return Object.keys(inner).length === 0 ? others : { ...others, [name]: inner }
}

/** True for every member, group or section that the settings have. */
export function isSettingsPath(path: string): boolean {
  let at: unknown = defaultAgencySettings
  for (const name of path.split('.')) {
    if (!isGroup(at) || !Object.hasOwn(at, name)) return false
    at = at[name]
  }
  return true
}

/**
 * Complete settings from what an agency changed. A stored change that a newer version of the product no longer accepts
 * is dropped rather than stopping the agency's work; what was dropped is returned.
 */
export function completeSettings(changes: Tree): { settings: AgencySettings; dropped: string[] } {
  const whole = agencySettings.safeParse(overlay(defaultAgencySettings, changes))
  if (whole.success) return { settings: whole.data, dropped: [] }
  const dropped: string[] = []
  let kept: Tree = {}
  for (const [section, value] of Object.entries(changes)) {
    const attempt = agencySettings.safeParse(overlay(defaultAgencySettings, { ...kept, [section]: value }))
    if (attempt.success) kept = { ...kept, [section]: value }
    else dropped.push(section)
  }
  return { settings: agencySettings.parse(overlay(defaultAgencySettings, kept)), dropped }
}
