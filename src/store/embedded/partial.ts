import type { Filter } from './match.ts'
import type { SortField } from './sort.ts'
import { decode, type Doc } from './values.ts'

/** Decodes of a stored document what is needed to judge and to order it. */
export type DecodePart = (raw: Buffer) => Doc

/** Bytes of values whose type alone says how long they are: double, undefined, ObjectId, bool, date, null, int, timestamp, long, decimal, MinKey, MaxKey. */
const fixedLength = new Map([[0x01, 8], [0x06, 0], [0x07, 12], [0x08, 1], [0x09, 8], [0x0a, 0], [0x10, 4], [0x11, 8], [0x12, 8], [0x13, 16], [0xff, 0], [0x7f, 0]])

/** Where a BSON value that starts at `at` ends; −1 for a type that is rare enough to be decoded with its whole document. */
function valueEnd(raw: Buffer, type: number, at: number): number {
  switch (type) {
    // String, code and symbol: their length, then the text.
    case 0x02: case 0x0d: case 0x0e: return at + 4 + raw.readInt32LE(at)
    // Object and array: the length includes itself.
    case 0x03: case 0x04: return at + raw.readInt32LE(at)
    // Binary: a length, the subtype, the bytes.
    case 0x05: return at + 5 + raw.readInt32LE(at)
    // Regular expression: two texts that each end with a zero.
    case 0x0b: return raw.indexOf(0, raw.indexOf(0, at) + 1) + 1
    default: {
      const length = fixedLength.get(type)
      return length === undefined ? -1 : at + length
    }
  }
}

function addFilterMembers(filter: Filter, names: Set<string>): void {
  if (filter.kind === 'leaf') names.add(filter.parts[0] as string)
  else if (filter.kind === 'not') addFilterMembers(filter.child, names)
  else for (const child of filter.children) addFilterMembers(child, names)
}

/**
 * A decoder that makes only the top-level members that the filter and the sort look at: judging thousands of documents costs the bytes
 * that matter, not whole documents. What the two make of its result is what they make of the whole document.
 */
export function partDecoder(filter: Filter, sort: SortField[]): DecodePart {
  const wanted = new Set<string>()
  addFilterMembers(filter, wanted)
  for (const { path } of sort) wanted.add(path.slice(0, path.includes('.') ? path.indexOf('.') : path.length))
  // A document of $ref and $id alone is read as a reference, so these keep their company.
  if ([...wanted].some((name) => name.startsWith('$'))) return decode
  const names = [...wanted].map((name) => Buffer.from(name))
  const isWanted = (raw: Buffer, start: number, length: number): boolean =>
    names.some((name) => {
      if (name.length !== length) return false
      for (let at = 0; at < length; at += 1) if (name[at] !== raw[start + at]) return false
      return true
    })
  return (raw) => {
    const slices: Buffer[] = []
    let bytes = 5
    const last = raw.length - 1
    for (let at = 4; at < last;) {
      let nameEnd = at + 1
      while (raw[nameEnd] !== 0) {
        nameEnd += 1
        if (nameEnd >= last) return decode(raw)
      }
      const end = valueEnd(raw, raw[at] as number, nameEnd + 1)
      if (end <= nameEnd || end > last) return decode(raw)
      if (isWanted(raw, at + 1, nameEnd - at - 1)) {
        slices.push(raw.subarray(at, end))
        bytes += end - at
      }
      at = end
    }
    const part = Buffer.allocUnsafe(bytes)
    part.writeInt32LE(bytes, 0)
    let at = 4
    for (const slice of slices) at += slice.copy(part, at)
    part[at] = 0
    return decode(part)
  }
}
