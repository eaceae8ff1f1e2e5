import { createHash } from 'node:crypto'

/** Identifiers in the platform's formats, the same ones for the same seed. */
export interface IdMaker {
  /** 20 letters and digits: locations, contacts, users, fields, opportunities, pipelines, … */
  id20(kind: string): string
  /** UUID: pipeline stages, workflows, webhooks. */
  uuid(kind: string): string
  /** 24 hexadecimal digits: apps, versions, plans. */
  hex24(kind: string): string
  /** Progress, so that a restored sandbox goes on with fresh ids. */
  count(): number
  resume(count: number): void
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

export function createIdMaker(seed: string): IdMaker {
  let counter = 0
  function digest(kind: string): Buffer {
    counter += 1
    return createHash('sha256').update(`${seed}\0${kind}\0${counter}`).digest()
  }
  return {
    id20(kind) {
      return [...digest(kind).subarray(0, 20)].map((byte) => alphabet[byte % alphabet.length]).join('')
    },
    uuid(kind) {
      const bytes = digest(kind).subarray(0, 16)
      bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
      bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
      const hex = bytes.toString('hex')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
    },
    hex24(kind) {
      return digest(kind).subarray(0, 12).toString('hex')
    },
    count: () => counter,
    resume(count) {
      counter = count
    },
  }
}

/** A small seeded random source (mulberry32), 0 ≤ x < 1. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
