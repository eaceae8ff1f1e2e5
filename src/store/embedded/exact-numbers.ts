import { Decimal128, Double, Int32, Long } from 'bson'
import { ServerError } from './errors.ts'
import { toNumber, type NumberValue } from './values.ts'

/** A finite number as a fraction of whole numbers. */
interface Fraction { over: bigint; under: bigint }
/** A finite decimal: coefficient × 10^exponent. */
interface DecimalParts { coefficient: bigint; exponent: number }

const decimalText = /^(-?)(\d+)(?:\.(\d+))?(?:E([+-]?\d+))?$/i
const decimalDigits = 34

function decimalParts(value: Decimal128): DecimalParts | undefined {
  const match = decimalText.exec(value.toString())
  if (match === null) return undefined
  const fraction = match[3] ?? ''
  const coefficient = BigInt(`${match[2] ?? '0'}${fraction}`)
  return { coefficient: match[1] === '-' ? -coefficient : coefficient, exponent: Number(match[4] ?? 0) - fraction.length }
}

function fractionOfDouble(value: number): Fraction {
  let scaled = value
  let twos = 0
  while (!Number.isInteger(scaled)) {
    scaled *= 2
    twos += 1
  }
  return { over: BigInt(scaled), under: 1n << BigInt(twos) }
}

/** undefined for NaN and the infinities */
function fractionOf(value: NumberValue): Fraction | undefined {
  if (value instanceof Long) return { over: value.toBigInt(), under: 1n }
  if (value instanceof Decimal128) {
    const parts = decimalParts(value)
    if (parts === undefined) return undefined
    const power = 10n ** BigInt(Math.abs(parts.exponent))
    return parts.exponent >= 0 ? { over: parts.coefficient * power, under: 1n } : { over: parts.coefficient, under: power }
  }
  return Number.isFinite(value.value) ? fractionOfDouble(value.value) : undefined
}

function order<T extends number | bigint>(a: T, b: T | number): -1 | 0 | 1 {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Exact order of two numbers of any types; NaN equals NaN and comes before every other number. */
export function compareNumbers(a: NumberValue, b: NumberValue): -1 | 0 | 1 {
  const nearA = toNumber(a)
  const nearB = toNumber(b)
  if (Number.isNaN(nearA) || Number.isNaN(nearB)) return Number.isNaN(nearA) ? (Number.isNaN(nearB) ? 0 : -1) : 1
  if (nearA !== nearB) return nearA < nearB ? -1 : 1
  if (!(a instanceof Long || a instanceof Decimal128 || b instanceof Long || b instanceof Decimal128)) return 0
  // Equal as doubles: only the exact values can tell.
  const exactA = fractionOf(a)
  const exactB = fractionOf(b)
  if (exactA === undefined || exactB === undefined) return exactA === exactB ? 0 : (exactA === undefined) === nearA > 0 ? 1 : -1
  return order(exactA.over * exactB.under, exactB.over * exactA.under)
}

/** A number as its nearest double plus what is left: `whole` is the floor of the rest, `rest` says whether there is still more. */
export function splitNumber(value: NumberValue): { near: number; whole: number; rest: boolean } {
  if (value instanceof Int32 || value instanceof Double) return { near: value.value, whole: 0, rest: false }
  if (value instanceof Long) {
    const near = value.toNumber()
    return { near, whole: Number(value.toBigInt() - BigInt(near)), rest: false }
  }
  const exact = fractionOf(value)
  let near = toNumber(value)
  if (exact === undefined) return { near, whole: 0, rest: false }
  if (!Number.isFinite(near)) near = near > 0 ? Number.MAX_VALUE : -Number.MAX_VALUE
  const base = fractionOfDouble(near)
  const over = exact.over * base.under - base.over * exact.under
  const under = exact.under * base.under
  let whole = over / under
  if (over < 0n && whole * under !== over) whole -= 1n
  const limit = 32_000n
  const clamped = whole > limit ? limit : whole < -limit ? -limit : whole
  return { near, whole: Number(clamped), rest: clamped !== whole || whole * under !== over }
}

function roundedDecimal(parts: DecimalParts): Decimal128 {
  let { coefficient, exponent } = parts
  const negative = coefficient < 0n
  if (negative) coefficient = -coefficient
  const excess = coefficient.toString().length - decimalDigits
  if (excess > 0) {
    const power = 10n ** BigInt(excess)
    const left = coefficient % power
    coefficient /= power
    exponent += excess
    const twice = left * 2n
    if (twice > power || (twice === power && coefficient % 2n === 1n)) coefficient += 1n
  }
  return Decimal128.fromString(`${negative ? '-' : ''}${coefficient.toString()}E${exponent}`)
}

function asDecimalParts(value: NumberValue): DecimalParts | undefined {
  if (value instanceof Decimal128) return decimalParts(value)
  if (value instanceof Long) return { coefficient: value.toBigInt(), exponent: 0 }
  if (value instanceof Int32) return { coefficient: BigInt(value.value), exponent: 0 }
  // MongoDB turns a double into a decimal of 15 significant digits.
  return Number.isFinite(value.value) ? decimalParts(Decimal128.fromString(value.value.toPrecision(15))) : undefined
}

function decimalOperation(operator: '+' | '*', a: NumberValue, b: NumberValue): Decimal128 {
  const left = asDecimalParts(a)
  const right = asDecimalParts(b)
  if (left === undefined || right === undefined) {
    const near = operator === '+' ? toNumber(a) + toNumber(b) : toNumber(a) * toNumber(b)
    return Decimal128.fromString(String(near))
  }
  if (operator === '*') return roundedDecimal({ coefficient: left.coefficient * right.coefficient, exponent: left.exponent + right.exponent })
  const exponent = Math.min(left.exponent, right.exponent)
  const scaled = (parts: DecimalParts): bigint => parts.coefficient * 10n ** BigInt(parts.exponent - exponent)
  return roundedDecimal({ coefficient: scaled(left) + scaled(right), exponent })
}

const longMin = -(2n ** 63n)
const longMax = 2n ** 63n - 1n

/**
 * Sum or product with MongoDB's types: decimal beats double beats whole numbers; two ints that leave 32 bits become a long.
 * @throws BadValue when two whole numbers leave 64 bits
 */
export function calculate(operator: '+' | '*', a: NumberValue, b: NumberValue): NumberValue {
  if (a instanceof Decimal128 || b instanceof Decimal128) return decimalOperation(operator, a, b)
  if (a instanceof Double || b instanceof Double) return new Double(operator === '+' ? toNumber(a) + toNumber(b) : toNumber(a) * toNumber(b))
  const left = BigInt(a instanceof Long ? a.toBigInt() : a.value)
  const right = BigInt(b instanceof Long ? b.toBigInt() : b.value)
  const result = operator === '+' ? left + right : left * right
  if (result < longMin || result > longMax) throw new ServerError('BadValue', 'the result of the operation does not fit into 64 bits')
  if (a instanceof Int32 && b instanceof Int32 && result >= -2147483648n && result <= 2147483647n) return new Int32(Number(result))
  return Long.fromBigInt(result)
}
