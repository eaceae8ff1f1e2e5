import type { Account } from '../../accounts/index.ts'
import type { Actor } from '../../events/index.ts'
import { RequestError } from '../../kernel/errors.ts'
import { plain } from '../filters.ts'
import type { Choice } from '../catalog.ts'
import type { MarketplaceDeps } from '../ports.ts'
import type { Branch } from '../wire.ts'

/** Whom a contact of the success location stands for in one account. */
export interface Standing {
  account: Account
  /** null → the account itself. */
  userId: string | null
}

/** One run of an action, proven and resolved. */
export interface ActionRun {
  companyId: string
  contactId: string
  workflowId: string
  /** As the workflow filled it in. */
  data: Readonly<Record<string, unknown>>
  branches: readonly Branch[]
  /** Everybody whom the contact stands for; the first is the account that its Health Status speaks for. */
  standings: readonly [Standing, ...Standing[]]
  /** The workflow, as timelines and histories name it. */
  actor: Actor
  /** The same for a repetition of this run. */
  idempotencyKey: string
}

/** What an action does. @throws RequestError with words that the workflow builder can show */
export type ActionHandler = (run: ActionRun, deps: MarketplaceDeps) => Promise<Record<string, unknown>>

/** A fault in what the workflow filled in. */
export function badField(path: string, message: string): RequestError {
  return new RequestError(422, 'invalid_field', `${path}: ${message}`, { details: { fields: [{ path, message }] } })
}

/** The value of a choice by its value or its label; undefined if it is none of them. */
export function chosen(choices: readonly Choice[], given: unknown): string | undefined {
  if (typeof given !== 'string') return undefined
  return choices.find(({ label, value }) => plain(value) === plain(given) || plain(label) === plain(given))?.value
}

/** Texts of a member that may come as one text, as a list, or separated by commas. */
export function listOf(given: unknown): string[] {
  const parts: unknown[] = Array.isArray(given) ? given : typeof given === 'string' ? given.split(',') : []
  return parts.flatMap((part) => (typeof part === 'string' && part.trim() !== '' ? [part.trim()] : []))
}

export function textOf(given: unknown): string {
  return typeof given === 'string' ? given.trim() : ''
}
