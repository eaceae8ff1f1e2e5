import type { FieldKey } from './types.ts'

/** A custom field's value as it is compared: '' is "nothing". */
export type FieldValue = string | number

/**
 * Brings a value from HighLevel (string, number, one-element list, null, timestamp) and a wanted value to one form, so that equal means equal.
 * Dates are compared by their UTC day, because HighLevel's DATE fields keep no more.
 */
export function normalise(field: FieldKey, value: unknown): FieldValue {
  const single: unknown = Array.isArray(value) ? (value.length === 1 ? value[0] : value.length === 0 ? '' : value.join(', ')) : value
  if (single === null || single === undefined || single === '') return ''
  if (field === 'happinessScore') {
    const score = Number(single)
    return Number.isFinite(score) ? score : textOf(single)
  }
  if (field === 'lastFeedback') return dayOf(single)
  return textOf(single).trim()
}

function dayOf(value: unknown): string {
  const text = textOf(value)
  const at = typeof value === 'number' || /^\d{11,}$/.test(text) ? new Date(Number(value)) : new Date(text)
  return Number.isNaN(at.getTime()) ? text : at.toISOString().slice(0, 10)
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return JSON.stringify(value)
}

/** Tags as HighLevel keeps them: trimmed, lower case, each once. */
export function normaliseTags(tags: readonly string[]): string[] {
  return [...new Set(tags.map(normaliseTag))].filter((tag) => tag !== '').sort()
}

export function normaliseTag(tag: string): string {
  return tag.trim().toLowerCase()
}

/** Text of a message, task or note without markup and spacing, for recognising our own in a list. */
export function plainText(text: string): string {
  return text
    .replace(/<(style|script)[^>]*>[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&nbsp;/gi, ' ')
    .replace(/&lt;/gi, '<')
    .replace(/&gt;/gi, '>')
    .replace(/&quot;/gi, '"')
    .replace(/&#0?39;|&apos;/gi, "'")
    .replace(/&amp;/gi, '&')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase()
}
