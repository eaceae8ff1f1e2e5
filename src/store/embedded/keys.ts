import { createHash } from 'node:crypto'
import type { Binary, BSONRegExp, Code, ObjectId, Timestamp } from 'bson'
import { textOf, typeRank } from './bson-order.ts'
import { splitNumber } from './exact-numbers.ts'
import { setMember, typeOf, UnsupportedValueError, type Doc, type NumberValue, type Value } from './values.ts'

/**
 * Values as bytes whose order is MongoDB's order of values, equal bytes for equal values. Every encoding ends itself: none is the
 * beginning of another, so encodings can follow each other in a compound key. No encoding starts with 0x00, 0x17 or 0xff.
 */

/** In an index, the key of an empty array: before null, as in MongoDB. */
export const emptyArrayKey = Symbol('emptyArray')
export type KeyValue = Value | undefined | typeof emptyArrayKey

const nanByte = 0x16
const emptyArrayByte = 0x0c
const end = Buffer.from([0x00])

/** @returns the bytes, and whether their order among near neighbours is only arbitrary (decimals that no double can hold) */
export function encodeKey(value: KeyValue): { bytes: Buffer; inexact: boolean } {
  const state = { inexact: false }
  const parts: Buffer[] = []
  append(parts, value, state)
  return { bytes: parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts), inexact: state.inexact }
}

function append(parts: Buffer[], value: KeyValue, state: { inexact: boolean }): void {
  if (value === emptyArrayKey) {
    parts.push(Buffer.from([emptyArrayByte]))
    return
  }
  const type = typeOf(value)
  const rank = typeRank[type]
  switch (type) {
    case 'int': case 'double': case 'long': case 'decimal':
      parts.push(numberKey(value as NumberValue, state))
      return
    case 'string': case 'symbol': parts.push(textKey(rank, textOf(value)))
      return
    case 'object':
      parts.push(Buffer.from([rank]))
      for (const [name, inner] of Object.entries(value as Doc)) {
        parts.push(textKey(typeRank[typeOf(inner)], name))
        append(parts, inner, state)
      }
      parts.push(end)
      return
    case 'array':
      parts.push(Buffer.from([rank]))
      for (const inner of value as Value[]) append(parts, inner, state)
      parts.push(end)
      return
    case 'binData': {
      const binary = value as Binary
      const head = Buffer.alloc(6)
      head[0] = rank
      head.writeUInt32BE(binary.length(), 1)
      head[5] = binary.sub_type
      parts.push(head, Buffer.from(binary.value()))
      return
    }
    case 'objectId': parts.push(Buffer.concat([Buffer.from([rank]), (value as ObjectId).id]))
      return
    case 'bool': parts.push(Buffer.from([rank, value === true ? 1 : 0]))
      return
    case 'date': {
      const time = (value as Date).getTime()
      if (Number.isNaN(time)) throw new UnsupportedValueError('a date outside the years that JavaScript knows')
      parts.push(bigKey(rank, BigInt(time) + 0x8000000000000000n))
      return
    }
    case 'timestamp': parts.push(bigKey(rank, BigInt.asUintN(64, (value as Timestamp).toBigInt())))
      return
    case 'regex': parts.push(textKey(rank, (value as BSONRegExp).pattern), textKey(rank, (value as BSONRegExp).options))
      return
    case 'javascript': parts.push(textKey(rank, (value as Code).code))
      return
    default: parts.push(Buffer.from([rank]))
  }
}

function bigKey(rank: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(9)
  bytes[0] = rank
  bytes.writeBigUInt64BE(value, 1)
  return bytes
}

/** UTF-8 with 0x00 written as 0x00 0xff, ended by 0x00 0x00. */
function textKey(rank: number, text: string): Buffer {
  if (!text.includes('\0')) {
    const bytes = Buffer.allocUnsafe(Buffer.byteLength(text) + 3)
    bytes[0] = rank
    const length = bytes.write(text, 1)
    bytes[length + 1] = 0
    bytes[length + 2] = 0
    return bytes
  }
  const escaped: number[] = [rank]
  for (const byte of Buffer.from(text)) escaped.push(...(byte === 0 ? [0, 0xff] : [byte]))
  return Buffer.from([...escaped, 0, 0])
}

/** The text that a field's (ascending) key holds; undefined when it is not a text, or not there as it was. */
export function textOfKey(bytes: Buffer, limit: number): string | undefined {
  if (bytes[0] !== typeRank.string || bytes.length > limit || bytes.indexOf(0) !== bytes.length - 2) return undefined
  return bytes.toString('utf8', 1, bytes.length - 2)
}

function numberKey(value: NumberValue, state: { inexact: boolean }): Buffer {
  const { near, whole, rest } = splitNumber(value)
  if (Number.isNaN(near)) return Buffer.from([nanByte])
  const bytes = Buffer.alloc(rest ? 44 : 12)
  bytes[0] = typeRank.double
  bytes.writeDoubleBE(near === 0 ? 0 : near, 1)
  if (((bytes[1] as number) & 0x80) === 0) bytes[1] = (bytes[1] as number) ^ 0x80
  else for (let at = 1; at <= 8; at += 1) bytes[at] = 0xff - (bytes[at] as number)
  bytes.writeUInt16BE(0x8000 + whole, 9)
  if (rest) {
    state.inexact = true
    bytes[11] = 1
    createHash('sha256').update(value.toString()).digest().copy(bytes, 12)
  }
  return bytes
}

/** The bytes of one field of an index key: cut to `limit` bytes plus a hash when they are too long for the store. */
export function fieldKey(value: KeyValue, direction: 1 | -1, limit: number): { bytes: Buffer; inexact: boolean } {
  const { bytes, inexact } = encodeKey(value)
  const long = bytes.length > limit
  const cut = long ? Buffer.concat([bytes.subarray(0, limit), createHash('sha256').update(bytes).digest()]) : bytes
  return { bytes: direction === 1 ? cut : inverted(cut), inexact: inexact || long }
}

export function inverted(bytes: Uint8Array): Buffer {
  const result = Buffer.allocUnsafe(bytes.length)
  for (let at = 0; at < bytes.length; at += 1) result[at] = 0xff - (bytes[at] as number)
  return result
}

/** How many bytes each field may take so that the whole key fits into lmdb's 1978 bytes. */
export function fieldLimit(fields: number): number {
  return Math.min(1000, Math.floor(1850 / fields) - 33)
}

/** The document that MongoDB shows as the key of a duplicate. */
export function keyDocument(names: string[], values: KeyValue[]): Doc {
  const doc: Doc = {}
  names.forEach((name, at) => {
    const value = values[at]
    setMember(doc, name, value === undefined || value === emptyArrayKey ? null : value)
  })
  return doc
}
