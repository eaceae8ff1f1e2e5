import type { AccountStatus } from '../accounts/index.ts'
import type { AccountHealth } from '../http/contract/accounts.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import { fieldRefused, RequestError } from '../kernel/errors.ts'

/** The sentence stands for itself: it is shown beside the field. */
const refused = (code: string, field: string, problem: string): RequestError => fieldRefused(422, code, field, problem, problem)

/**
 * The note and the reasons as they are kept.
 * @throws RequestError 422 that names the field and what would be right
 */
export function checkedNote(request: { note: string; reasonCodes?: string[] | undefined }, settings: AgencySettings['health']): { note: string; reasonCodes: string[] } {
  const note = request.note.trim()
  const least = settings.minNoteLength
  if (note.length < least) throw refused('note_too_short', 'note', `Say why in a few words: at least ${least} characters.`)
  return { note, reasonCodes: checkedReasons(request.reasonCodes ?? [], settings) }
}

function checkedReasons(codes: readonly string[], settings: AgencySettings['health']): string[] {
  const reasons = [...new Set(codes)]
  const known = settings.reasonCodes.map((reason) => reason.code)
  const unknown = reasons.filter((code) => !known.includes(code))
  if (unknown.length > 0) {
    throw refused('reason_unknown', 'reasonCodes', `There is no reason "${unknown.join('", "')}". The agency's reasons are: ${known.length === 0 ? 'none' : known.join(', ')}.`)
  }
  const most = settings.maxReasonCodes
  if (reasons.length > most) throw refused('too_many_reasons', 'reasonCodes', `Choose at most ${most} ${most === 1 ? 'reason' : 'reasons'}.`)
  return reasons
}

const iso = (at: Date | null): string | null => at?.toISOString() ?? null

/** The status as the outside sees it. @param now decides whether it is stale */
export function healthView(status: AccountStatus | null, now: Date): AccountHealth {
  if (status === null) {
    return { level: null, setAt: null, setBy: null, source: null, note: null, reasonCodes: [], restored: null, confirmedAt: null, staleAt: null, stale: false, changeId: null, noteWanted: false }
  }
  const { level, setAt, setBy, source, note, reasonCodes, restored = null, confirmedAt, staleAt, changeId, noteWanted } = status
  return {
    level, setAt: iso(setAt), setBy, source, note, reasonCodes,
    restored: restored === null ? null : { ...restored, setAt: restored.setAt.toISOString() }, confirmedAt: iso(confirmedAt), staleAt: iso(staleAt), stale: staleAt.getTime() <= now.getTime(), changeId, noteWanted,
  }
}

export function changedMeanwhile(status: AccountStatus | null, now: Date): RequestError {
  return new RequestError(409, 'health_changed_meanwhile', 'Somebody changed the status in the meantime. Look at it again before you change it.', { details: { health: healthView(status, now) } })
}

export function notTheNewest(status: AccountStatus | null, now: Date): RequestError {
  return new RequestError(409, 'not_the_newest_change', 'Only the newest change can be taken back, and this is not it.', { details: { health: healthView(status, now) } })
}

export function nothingToGoBackTo(): RequestError {
  return new RequestError(409, 'nothing_to_go_back_to', 'This is the account\'s first status: there is nothing to go back to. Set another one instead.')
}

export function nothingToConfirm(): RequestError {
  return new RequestError(409, 'nothing_to_confirm', 'Nobody has set a status yet: there is nothing to confirm.')
}

export function keyUsed(): RequestError {
  return new RequestError(409, 'idempotency_key_used', 'This idempotency key belongs to another change. Use a new key for a new change.')
}
