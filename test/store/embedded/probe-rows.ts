import { Decimal128, Double, Int32, Long, ObjectId, type Document } from 'mongodb'

/**
 * What MongoDB 7 and 8 answer, per operator. `refused` rows are operators outside the embedded store's list: there they must be errors,
 * so they are not asked of a real server.
 */

const longOne = Long.fromNumber(1)
export const oid = new ObjectId('65f000000000000000000001')

/** One document per kind of value, under the name it has in the rows. */
export const values: Record<string, Document> = {
  missing: {}, null: { a: null }, int1: { a: new Int32(1) }, dbl1: { a: new Double(1) }, long1: { a: longOne }, dec1: { a: Decimal128.fromString('1') },
  two: { a: new Int32(2) }, nan: { a: Number.NaN }, x: { a: 'x' }, y: { a: 'y' }, date0: { a: new Date(0) }, oid: { a: oid }, yes: { a: true }, empty: { a: [] },
  ints: { a: [1, 2, 3] }, nested: { a: [[1, 2], 3] }, hasNull: { a: [null] }, doc: { a: { x: 1, y: 2 } }, swapped: { a: { y: 2, x: 1 } },
  docs: { a: [{ x: 1, y: 2 }, { x: 3 }] }, emptyDoc: { a: {} }, re: { a: /x/ },
}

const ones = 'int1 dbl1 long1 dec1 ints'
const nulls = 'missing null hasNull'
/** `!` before a list: all other documents. */
export const filterRows: [filter: Document, expected: string][] = [
  [{}, '!'],
  [{ a: 1 }, ones], [{ a: new Double(1) }, ones], [{ a: longOne }, ones], [{ a: Decimal128.fromString('1.0') }, ones],
  [{ a: null }, nulls], [{ a: [] }, 'empty'], [{ a: [1, 2] }, 'nested'], [{ a: [1, 2, 3] }, 'ints'], [{ a: [2, 1] }, ''],
  [{ a: { x: 1, y: 2 } }, 'doc docs'], [{ a: { y: 2, x: 1 } }, 'swapped'], [{ a: { x: 1 } }, ''], [{ a: { x: new Double(1), y: Long.fromNumber(2) } }, 'doc docs'], [{ a: {} }, 'emptyDoc'],
  [{ a: Number.NaN }, 'nan'], [{ a: 'x' }, 'x'], [{ a: true }, 'yes'], [{ a: new Date(0) }, 'date0'], [{ a: oid }, 'oid'], [{ a: oid.toHexString() }, ''],
  [{ a: /x/ }, 'x re'], [{ a: { $eq: /x/ } }, 're'], [{ a: { $eq: [3, 2, 1] } }, ''],
  [{ a: { $ne: 1 } }, `!${ones}`], [{ a: { $ne: null } }, `!${nulls}`], [{ a: { $ne: 'nothing' } }, '!'], [{ a: { $ne: [1, 2] } }, '!nested'],
  [{ a: { $gt: 1 } }, 'two ints nested'], [{ a: { $gte: 1 } }, `${ones} two nested`], [{ a: { $lt: 2 } }, ones], [{ a: { $lte: 2 } }, `${ones} two`],
  [{ a: { $gt: 1, $lt: 2 } }, 'ints'], [{ a: { $gt: 1.5, $lt: 2.5 } }, 'two ints'],
  [{ a: { $gt: 'x' } }, 'y'], [{ a: { $gte: null } }, nulls], [{ a: { $gt: null } }, ''], [{ a: { $lte: null } }, nulls], [{ a: { $lt: null } }, ''],
  [{ a: { $lt: new Date(1) } }, 'date0'], [{ a: { $gt: false } }, 'yes'], [{ a: { $gte: oid } }, 'oid'], [{ a: { $gt: oid } }, ''],
  [{ a: { $gt: [1, 2] } }, 'ints nested docs'], [{ a: { $lt: [1] } }, 'empty hasNull'], [{ a: { $gt: { x: 1 } } }, 'doc swapped docs'], [{ a: { $lt: { x: 1 } } }, 'emptyDoc'],
  [{ a: { $gte: Number.NaN } }, 'nan'], [{ a: { $lte: Number.NaN } }, 'nan'], [{ a: { $gt: Number.NaN } }, ''], [{ a: { $lt: Number.NaN } }, ''],
  [{ a: { $in: [1, 'x'] } }, `${ones} x`], [{ a: { $in: [null] } }, nulls], [{ a: { $in: [] } }, ''], [{ a: { $in: [/x/] } }, 'x re'], [{ a: { $in: [[1, 2]] } }, 'nested'],
  [{ a: { $in: [{ x: 1, y: 2 }, true] } }, 'doc docs yes'], [{ a: { $nin: [1, null] } }, `!${ones} ${nulls}`], [{ a: { $nin: [] } }, '!'], [{ a: { $nin: [/x/] } }, '!x re'],
  [{ a: { $exists: true } }, '!missing'], [{ a: { $exists: false } }, 'missing'], [{ a: { $exists: 0 } }, 'missing'], [{ a: { $exists: 1 } }, '!missing'],
  [{ a: { $type: 'int' } }, 'int1 two ints nested'], [{ a: { $type: 'double' } }, 'dbl1 nan'], [{ a: { $type: 'long' } }, 'long1'], [{ a: { $type: 'decimal' } }, 'dec1'],
  [{ a: { $type: 'number' } }, `${ones} two nan nested`], [{ a: { $type: 'array' } }, 'empty ints nested hasNull docs'], [{ a: { $type: 'null' } }, 'null hasNull'],
  [{ a: { $type: 'object' } }, 'doc swapped docs emptyDoc'], [{ a: { $type: 2 } }, 'x y'], [{ a: { $type: ['string', 'date'] } }, 'x y date0'], [{ a: { $type: 'objectId' } }, 'oid'],
  [{ a: { $type: 'bool' } }, 'yes'], [{ a: { $type: 'regex' } }, 're'], [{ a: { $type: 'binData' } }, ''],
  [{ a: { $size: 0 } }, 'empty'], [{ a: { $size: 1 } }, 'hasNull'], [{ a: { $size: 2 } }, 'nested docs'], [{ a: { $size: 3 } }, 'ints'],
  [{ a: { $all: [1, 3] } }, 'ints'], [{ a: { $all: [1] } }, ones], [{ a: { $all: [] } }, ''], [{ a: { $all: [[1, 2]] } }, 'nested'],
  [{ a: { $all: [{ $elemMatch: { x: 1 } }, { $elemMatch: { x: 3 } }] } }, 'docs'], [{ a: { $all: [null] } }, nulls],
  [{ a: { $elemMatch: { $gte: 2, $lt: 3 } } }, 'ints'], [{ a: { $elemMatch: { x: 1, y: 2 } } }, 'docs'], [{ a: { $elemMatch: { x: 3, y: 2 } } }, ''],
  [{ a: { $elemMatch: { $eq: null } } }, 'hasNull'], [{ a: { $elemMatch: { $in: [3, 'x'] } } }, 'ints nested'], [{ a: { $elemMatch: { $or: [{ x: 3 }, { y: 9 }] } } }, 'docs'],
  [{ a: { $not: { $gt: 1 } } }, '!two ints nested'], [{ a: { $not: /x/ } }, '!x re'], [{ a: { $not: { $elemMatch: { x: 1 } } } }, '!docs'], [{ a: { $not: { $exists: true } } }, 'missing'],
  [{ a: { $regex: '^X', $options: 'i' } }, 'x'], [{ a: { $regex: 'X' } }, ''], [{ a: { $regex: /^[xy]$/ } }, 'x y'],
  [{ 'a.x': 1 }, 'doc swapped docs'], [{ 'a.x': { $gt: 2 } }, 'docs'], [{ 'a.1': 2 }, 'ints'], [{ 'a.0.x': 1 }, 'docs'], [{ 'a.x': 1, 'a.y': 2 }, 'doc swapped docs'],
  [{ 'a.x': null }, 'missing null int1 dbl1 long1 dec1 two nan x y date0 oid yes emptyDoc re'], [{ 'a.x': { $exists: false } }, '!doc swapped docs'], [{ 'a.x': { $exists: true } }, 'doc swapped docs'],
  [{ 'a.x': { $ne: null } }, 'empty ints nested hasNull doc swapped docs'], [{ 'a.x': { $in: [3, 4] } }, 'docs'], [{ 'a.x': { $type: 'int' } }, 'doc swapped docs'],
  [{ $and: [{ a: { $gt: 0 } }, { a: { $lt: 2 } }] }, ones], [{ $or: [{ a: 'x' }, { a: true }] }, 'x yes'], [{ $nor: [{ a: { $exists: true } }] }, 'missing'],
  [{ $or: [{ a: 'x' }], a: 'y' }, ''], [{ $and: [{ $or: [{ a: 'x' }, { a: 'y' }] }, { a: { $ne: 'x' } }] }, 'y'], [{ $comment: 'why', a: 'x' }, 'x'],
]

/** Groups of documents that sort alike, in ascending and in descending order of `a`. */
export const sortRows: [direction: 1 | -1, groups: string[]][] = [
  [1, ['empty', nulls, 'nan', ones, 'two', 'nested', 'x', 'y', 'emptyDoc', 'doc docs', 'swapped', 'oid', 'yes', 'date0', 're']],
  [-1, ['re', 'date0', 'yes', 'oid', 'nested', 'swapped', 'docs', 'doc', 'emptyDoc', 'y', 'x', 'ints', 'two', 'int1 dbl1 long1 dec1', 'nan', nulls, 'empty']],
]

export const filterErrors: [filter: Document, code: number][] = [
  [{ $foo: 1 }, 2], [{ a: { $foo: 1 } }, 2], [{ $and: [] }, 2], [{ $or: {} }, 2], [{ $nor: [1] }, 2], [{ a: { $in: 1 } }, 2], [{ a: { $nin: 1 } }, 2], [{ a: { $in: [{ $gt: 1 }] } }, 2],
  [{ a: { $regex: '(' } }, 51091], [{ a: { $regex: 'a', $options: 'q' } }, 51108], [{ a: { $options: 'i' } }, 2], [{ a: { $regex: 1 } }, 2], [{ a: { $type: 'nope' } }, 2], [{ a: { $type: [] } }, 9],
  [{ a: { $elemMatch: 1 } }, 2], [{ a: { $all: 1 } }, 2], [{ a: { $not: {} } }, 2], [{ a: { $not: 1 } }, 2], [{ a: { $gt: /x/ } }, 2], [{ a: { $ne: /x/ } }, 2],
]
export const refusedFilters: Document[] = [
  { $expr: { $eq: ['$a', 1] } }, { $where: 'true' }, { $text: { $search: 'x' } }, { $jsonSchema: {} }, { a: { $mod: [2, 0] } }, { a: { $bitsAllSet: 1 } }, { a: { $near: [0, 0] } },
  { a: { $regex: 'a b', $options: 'x' } },
]

export interface UpdateRow {
  before: Document
  update: Document
  /** The document afterwards, or the code of the error. */
  after: Document | number
  filter?: Document
  arrayFilters?: Document[]
  /** false: MongoDB says that nothing was modified. */
  modifies?: boolean
}
const int = (value: number): Int32 => new Int32(value)
const row = (before: Document, update: Document, after: Document | number, more: Partial<UpdateRow> = {}): UpdateRow => ({ before, update, after, ...more })

export const updateRows: UpdateRow[] = [
  row({ a: 1 }, { $set: { a: 2 } }, { a: 2 }), row({}, { $set: { z: 1, b: 2, a: 3 } }, { a: 3, b: 2, z: 1 }), row({}, { $set: { 'a.b': 1 } }, { a: { b: 1 } }),
  row({ a: { c: 1 } }, { $set: { 'a.b': 1 } }, { a: { c: 1, b: 1 } }), row({ a: 5 }, { $set: { 'a.b': 1 } }, 28), row({ a: null }, { $set: { 'a.b': 1 } }, 28), row({ a: [1] }, { $set: { 'a.b': 1 } }, 28),
  row({ a: [0] }, { $set: { 'a.2': 9 } }, { a: [0, null, 9] }), row({}, { $set: { 'a.0': 9 } }, { a: { 0: 9 } }), row({ a: [{ b: 1 }] }, { $set: { 'a.0.b': 2 } }, { a: [{ b: 2 }] }),
  row({ a: 1 }, { $set: { a: 1 } }, { a: 1 }, { modifies: false }), row({ a: 1 }, { $set: {} }, { a: 1 }, { modifies: false }), row({ a: 1 }, { $set: { a: null } }, { a: null }),
  row({ a: 1 }, { $set: { a: 1, 'a.b': 2 } }, 40), row({ a: 1 }, { $set: { a: 1 }, $inc: { a: 1 } }, 40), row({ a: 1 }, { $set: { _id: 99 } }, 66), row({ a: 1 }, { $set: { '': 1 } }, 56), row({ a: 1 }, { $set: { 'a..b': 1 } }, 56),
  row({ a: 1 }, { $nope: { a: 1 } }, 9), row({ a: 1 }, { $set: 5 }, 9), row({ a: 1, b: 2 }, { $unset: { a: '' } }, { b: 2 }), row({ a: 1 }, { $unset: { b: 1 } }, { a: 1 }, { modifies: false }),
  row({ a: [1, 2, 3] }, { $unset: { 'a.1': 1 } }, { a: [1, null, 3] }), row({ a: { b: 1, c: 2 } }, { $unset: { 'a.b': 1 } }, { a: { c: 2 } }), row({ a: 5 }, { $unset: { 'a.b': 1 } }, { a: 5 }, { modifies: false }),
  row({ a: 1 }, { $setOnInsert: { b: 1 } }, { a: 1 }, { modifies: false }),
  row({ a: 1 }, { $inc: { a: 2, b: 5 } }, { a: 3, b: 5 }), row({ a: 1 }, { $inc: { a: 0.5 } }, { a: 1.5 }), row({ a: int(2147483647) }, { $inc: { a: int(1) } }, { a: Long.fromString('2147483648') }),
  row({ a: Long.MAX_VALUE }, { $inc: { a: int(1) } }, 2), row({ a: new Double(1) }, { $inc: { a: int(1) } }, { a: new Double(2) }), row({ a: longOne }, { $inc: { a: int(1) } }, { a: Long.fromNumber(2) }),
  row({ a: Decimal128.fromString('0.1') }, { $inc: { a: Decimal128.fromString('0.2') } }, { a: Decimal128.fromString('0.3') }), row({ a: int(1) }, { $inc: { a: Decimal128.fromString('0.5') } }, { a: Decimal128.fromString('1.5') }),
  row({ a: 'x' }, { $inc: { a: 1 } }, 14), row({ a: null }, { $inc: { a: 1 } }, 14), row({ a: [1] }, { $inc: { a: 1 } }, 14), row({ a: 1 }, { $inc: { a: 'x' } }, 14), row({ a: 1 }, { $inc: { a: 0 } }, { a: 1 }, { modifies: false }),
  row({ a: 3 }, { $mul: { a: 2 } }, { a: 6 }), row({}, { $mul: { a: int(2) } }, { a: int(0) }), row({}, { $mul: { a: new Double(2.5) } }, { a: new Double(0) }), row({ a: 'x' }, { $mul: { a: 2 } }, 14),
  row({ a: int(2147483647) }, { $mul: { a: int(2) } }, { a: Long.fromString('4294967294') }),
  row({ a: 5 }, { $min: { a: 3 } }, { a: 3 }), row({ a: 5 }, { $min: { a: 7 } }, { a: 5 }, { modifies: false }), row({}, { $min: { a: 3 } }, { a: 3 }), row({ a: 5 }, { $min: { a: null } }, { a: null }),
  row({ a: 5 }, { $max: { a: 7 } }, { a: 7 }), row({ a: 5 }, { $max: { a: 'x' } }, { a: 'x' }), row({ a: new Date(5) }, { $max: { a: new Date(3) } }, { a: new Date(5) }, { modifies: false }),
  row({ a: 1 }, { $rename: { a: 'b' } }, { b: 1 }), row({ a: { b: 1 } }, { $rename: { 'a.b': 'c' } }, { a: {}, c: 1 }), row({ b: 1 }, { $rename: { a: 'c' } }, { b: 1 }, { modifies: false }), row({ a: 1, b: 2 }, { $rename: { a: 'b' } }, { b: 1 }),
  row({ a: 1 }, { $rename: { a: 'a' } }, 2), row({ a: 1 }, { $rename: { a: 5 } }, 2), row({ a: [{ b: 1 }] }, { $rename: { 'a.b': 'c' } }, 2),
  row({ a: [1] }, { $push: { a: 2 } }, { a: [1, 2] }), row({}, { $push: { a: 2 } }, { a: [2] }), row({ a: [1] }, { $push: { a: [2, 3] } }, { a: [1, [2, 3]] }), row({ a: 5 }, { $push: { a: 2 } }, 2), row({ a: null }, { $push: { a: 2 } }, 2),
  row({ a: [1] }, { $push: { a: { $each: [2, 3] } } }, { a: [1, 2, 3] }), row({ a: [1, 4] }, { $push: { a: { $each: [2, 3], $position: 1 } } }, { a: [1, 2, 3, 4] }), row({ a: [1, 4] }, { $push: { a: { $each: [3], $position: -1 } } }, { a: [1, 3, 4] }),
  row({ a: [3, 1] }, { $push: { a: { $each: [2], $sort: 1 } } }, { a: [1, 2, 3] }), row({ a: [3, 1] }, { $push: { a: { $each: [2], $sort: -1, $slice: 2 } } }, { a: [3, 2] }), row({ a: [1, 2] }, { $push: { a: { $each: [3], $slice: -2 } } }, { a: [2, 3] }),
  row({ a: [1, 2] }, { $push: { a: { $each: [3], $slice: 0 } } }, { a: [] }), row({ a: [{ x: 2 }, { x: 1 }] }, { $push: { a: { $each: [{ x: 0 }], $sort: { x: 1 } } } }, { a: [{ x: 0 }, { x: 1 }, { x: 2 }] }),
  row({ a: [1] }, { $push: { a: { $each: 5 } } }, 2), row({ a: [1] }, { $push: { a: { $each: [1], $nope: 1 } } }, 2), row({ a: [1] }, { $push: { a: { $each: [1], $slice: 1.5 } } }, 2), row({ a: [1] }, { $push: { a: { $each: [1], $sort: 2 } } }, 2),
  row({ a: [1] }, { $addToSet: { a: 2 } }, { a: [1, 2] }), row({ a: [1] }, { $addToSet: { a: new Double(1) } }, { a: [1] }, { modifies: false }), row({ a: [1, 1] }, { $addToSet: { a: 2 } }, { a: [1, 1, 2] }), row({}, { $addToSet: { a: 2 } }, { a: [2] }),
  row({ a: [{ x: 1, y: 2 }] }, { $addToSet: { a: { y: 2, x: 1 } } }, { a: [{ x: 1, y: 2 }, { y: 2, x: 1 }] }), row({ a: [1] }, { $addToSet: { a: { $each: [1, 2, 2, 3] } } }, { a: [1, 2, 3] }), row({ a: [1] }, { $addToSet: { a: [1] } }, { a: [1, [1]] }), row({ a: 1 }, { $addToSet: { a: 2 } }, 2),
  row({ a: [1, 2, 1] }, { $pull: { a: 1 } }, { a: [2] }), row({ a: [1, 2, 3] }, { $pull: { a: { $gt: 1 } } }, { a: [1] }), row({ a: [1, 2, 3] }, { $pull: { a: { $in: [1, 3] } } }, { a: [2] }), row({ a: [{ x: 1, y: 1 }, { x: 2 }] }, { $pull: { a: { x: 1 } } }, { a: [{ x: 2 }] }),
  row({ a: ['ab', 'b'] }, { $pull: { a: /^a/ } }, { a: ['b'] }), row({ a: [[1], 1] }, { $pull: { a: [1] } }, { a: [1] }), row({ a: [1] }, { $pull: { a: 5 } }, { a: [1] }, { modifies: false }), row({}, { $pull: { a: 5 } }, {}, { modifies: false }), row({ a: 1 }, { $pull: { a: 1 } }, 2),
  row({ a: [1, 2, 3, 2] }, { $pullAll: { a: [2, 3] } }, { a: [1] }), row({ a: [1] }, { $pullAll: { a: 1 } }, 2),
  row({ a: [1, 2, 3] }, { $pop: { a: 1 } }, { a: [1, 2] }), row({ a: [1, 2, 3] }, { $pop: { a: -1 } }, { a: [2, 3] }), row({ a: [] }, { $pop: { a: 1 } }, { a: [] }, { modifies: false }), row({ a: 1 }, { $pop: { a: 1 } }, 14), row({ a: [1] }, { $pop: { a: 2 } }, 9),
  row({ a: 1 }, { $currentDate: { a: { $type: 'nope' } } }, 2),
  row({ a: [1, 2, 3] }, { $set: { 'a.$': 9 } }, { a: [1, 9, 3] }, { filter: { a: 2 } }), row({ a: [{ x: 1 }, { x: 3 }] }, { $set: { 'a.$.y': 1 } }, { a: [{ x: 1 }, { x: 3, y: 1 }] }, { filter: { 'a.x': 3 } }),
  row({ a: [{ x: 1, y: 1 }, { x: 1, y: 2 }] }, { $inc: { 'a.$.y': 5 } }, { a: [{ x: 1, y: 1 }, { x: 1, y: 7 }] }, { filter: { a: { $elemMatch: { x: 1, y: 2 } } } }), row({ a: [1] }, { $set: { 'a.$': 9 } }, 2, { filter: {} }),
  row({ a: [1, 2] }, { $inc: { 'a.$[]': 10 } }, { a: [11, 12] }), row({ a: [{ b: [1] }, { b: [2, 3] }] }, { $inc: { 'a.$[].b.$[]': 1 } }, { a: [{ b: [2] }, { b: [3, 4] }] }), row({ a: 5 }, { $set: { 'a.$[]': 1 } }, 2), row({}, { $set: { 'a.$[]': 1 } }, 2),
  row({ a: [1, 5, 9] }, { $set: { 'a.$[big]': 0 } }, { a: [1, 0, 0] }, { arrayFilters: [{ big: { $gte: 5 } }] }), row({ a: [{ x: 1 }, { x: 2 }] }, { $set: { 'a.$[e].y': 7 } }, { a: [{ x: 1 }, { x: 2, y: 7 }] }, { arrayFilters: [{ 'e.x': 2 }] }),
  row({ a: [1] }, { $set: { 'a.$[e]': 1 } }, 2), row({ a: [1] }, { $set: { b: 1 } }, 9, { arrayFilters: [{ e: 1 }] }), row({ a: [1] }, { $set: { 'a.$[e]': 1 } }, 9, { arrayFilters: [{ e: 1 }, { e: 2 }] }),
]
export const refusedUpdates: Document[] = [{ $bit: { a: { and: 1 } } }]

/** What an upsert makes of its filter, without the generated `_id`; or the code of the error. */
export const upsertRows: [filter: Document, update: Document, expected: Document | number][] = [
  [{ a: 1, b: { $gt: 2 } }, { $set: { c: 1 } }, { a: 1, c: 1 }], [{ 'a.b': 1 }, { $set: { c: 1 } }, { a: { b: 1 }, c: 1 }], [{ $and: [{ a: 1 }, { b: { $eq: 2 } }] }, { $set: { c: 1 } }, { a: 1, b: 2, c: 1 }],
  [{ $or: [{ a: 1 }, { a: 2 }] }, { $set: { c: 1 } }, { c: 1 }], [{ a: 1 }, { $set: { a: 2 } }, { a: 2 }], [{ a: 1 }, { $inc: { a: 1, n: 5 } }, { a: 2, n: 5 }], [{ a: 1 }, { $setOnInsert: { b: 1 }, $push: { t: 1 } }, { a: 1, b: 1, t: [1] }],
  [{ a: /x/ }, { $set: { c: 1 } }, { c: 1 }], [{ a: { x: 1 } }, { $set: { 'a.y': 2 } }, { a: { x: 1, y: 2 } }], [{ $and: [{ a: 1 }, { a: 2 }] }, { $set: { c: 1 } }, 54], [{ a: { $ne: 1 } }, { $set: { c: 1 } }, { c: 1 }],
  [{ _id: 7, a: 1 }, { $set: { _id: 8 } }, 66], [{ a: 1 }, { $min: { a: 0 }, $max: { m: 3 }, $mul: { p: 2 } }, { a: 0, m: 3, p: 0 }], [{ a: null }, { $set: { c: 1 } }, { a: null, c: 1 }],
]

export const projected: Document = { _id: 1, a: 1, b: { c: 1, d: 2 }, l: [{ x: 1, y: 2 }, 3, { x: 4 }] }
export const projectionRows: [projection: Document, expected: Document | number][] = [
  [{}, projected], [{ a: 1 }, { _id: 1, a: 1 }], [{ a: true, _id: 0 }, { a: 1 }], [{ _id: 1 }, { _id: 1 }], [{ nothing: 1 }, { _id: 1 }], [{ 'a.z': 1 }, { _id: 1 }],
  [{ a: 0, l: 0 }, { _id: 1, b: { c: 1, d: 2 } }], [{ _id: 0 }, { a: 1, b: projected['b'] as Document, l: projected['l'] as unknown }], [{ 'b.c': 1 }, { _id: 1, b: { c: 1 } }], [{ b: { c: 1 } }, { _id: 1, b: { c: 1 } }],
  [{ 'b.c': 0, l: 0 }, { _id: 1, a: 1, b: { d: 2 } }], [{ 'l.x': 1, _id: 0 }, { l: [{ x: 1 }, { x: 4 }] }], [{ 'l.x': 0, a: 0, b: 0 }, { _id: 1, l: [{ y: 2 }, 3, {}] }],
  [{ a: 1, b: 0 }, 31254], [{ a: 0, b: 1 }, 31253], [{ b: 1, 'b.c': 1 }, 31249], [{ 'b.c': 1, b: 1 }, 31250],
]
export const refusedProjections: Document[] = [{ l: { $slice: 1 } }, { l: { $elemMatch: { x: 1 } } }, { a: '$b.c' }, { 'l.$': 1 }, { a: { $add: [1, 2] } }]
