import {
  Binary, BSONRegExp, BSONSymbol, Code, Decimal128, Double, Int32, Long, MaxKey, MinKey, ObjectId, Timestamp, UUID, deserialize, serialize,
} from 'bson'

/** Numbers keep their BSON type from the wire to the disk and back. */
export type NumberValue = Int32 | Double | Long | Decimal128

export type Value =
  | null | boolean | string | Date | NumberValue | ObjectId | Binary | BSONRegExp | BSONSymbol | Code | Timestamp | MinKey | MaxKey
  | Value[] | Doc

/** A document as this server holds it: plain objects, arrays and BSON values, never bare numbers. */
export interface Doc { [field: string]: Value }

/** MongoDB's type aliases, plus `missing`. */
export type TypeName =
  | 'missing' | 'null' | 'bool' | 'string' | 'date' | 'int' | 'double' | 'long' | 'decimal' | 'objectId' | 'binData' | 'regex' | 'symbol'
  | 'javascript' | 'timestamp' | 'minKey' | 'maxKey' | 'array' | 'object'

const typeOfPrototype = new Map<unknown, TypeName>([
  [Object.prototype, 'object'], [Array.prototype, 'array'], [Date.prototype, 'date'], [Int32.prototype, 'int'], [Double.prototype, 'double'],
  [Long.prototype, 'long'], [Decimal128.prototype, 'decimal'], [ObjectId.prototype, 'objectId'], [Binary.prototype, 'binData'],
  [UUID.prototype, 'binData'], [BSONRegExp.prototype, 'regex'], [BSONSymbol.prototype, 'symbol'], [Code.prototype, 'javascript'],
  [Timestamp.prototype, 'timestamp'], [MinKey.prototype, 'minKey'], [MaxKey.prototype, 'maxKey'],
])

/** A BSON type that this server does not handle (DBPointer, DBRef), or a date that JavaScript does not have. */
export class UnsupportedValueError extends Error {}

/** @throws UnsupportedValueError */
export function typeOf(value: Value | undefined): TypeName {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  const type = typeOfPrototype.get(Object.getPrototypeOf(value))
  if (type === undefined) throw new UnsupportedValueError('a BSON type that the embedded store does not support')
  return type
}

export function isDoc(value: Value | undefined): value is Doc {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

export function isNumber(value: Value | undefined): value is NumberValue {
  return value instanceof Int32 || value instanceof Double || value instanceof Decimal128 || (value instanceof Long && !(value instanceof Timestamp))
}

/** The nearest JavaScript number. */
export function toNumber(value: NumberValue): number {
  if (value instanceof Int32 || value instanceof Double) return value.value
  return value instanceof Long ? value.toNumber() : Number(value.toString())
}

/** A member that the document itself has; never one of Object.prototype. */
export function member(doc: Doc, name: string): Value | undefined {
  return Object.hasOwn(doc, name) ? doc[name] : undefined
}

/** Sets a member, also one that is called `__proto__`. */
export function setMember(doc: Doc, name: string, value: Value): void {
  if (name === '__proto__') Object.defineProperty(doc, name, { value, writable: true, enumerable: true, configurable: true })
  else doc[name] = value
}

/** A copy whose objects and arrays may be changed freely; BSON values are shared, they are never changed. */
export function cloneValue(value: Value): Value {
  if (Array.isArray(value)) return value.map(cloneValue)
  return isDoc(value) ? cloneDoc(value) : value
}

export function cloneDoc(doc: Doc): Doc {
  const copy: Doc = {}
  for (const name of Object.keys(doc)) setMember(copy, name, cloneValue(doc[name] as Value))
  return copy
}

const exactTypes = { promoteValues: false, bsonRegExp: true, promoteBuffers: false, validation: { utf8: false } } as const

export function decode(bytes: Uint8Array): Doc {
  return deserialize(bytes, exactTypes)
}

/** Decodes a command whose `documents` stay undecoded bytes. */
export function decodeWithRawDocuments(bytes: Uint8Array): Record<string, unknown> {
  return deserialize(bytes, { ...exactTypes, fieldsAsRaw: { documents: true } })
}

export function encode(doc: Doc): Buffer {
  const bytes = serialize(doc, { ignoreUndefined: true })
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The smallest number type for a count or another whole number of ours. */
export function intValue(value: number): Int32 | Long {
  return value >= -2147483648 && value <= 2147483647 ? new Int32(value) : Long.fromNumber(value)
}
