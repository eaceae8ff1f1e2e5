/** True if the store refused a write because a unique key is taken (MongoDB's error 11000). */
export function isDuplicateKey(error: unknown): boolean {
  return typeof error === 'object' && error !== null && (error as { code?: unknown }).code === 11_000
}

/** True if nothing but taken unique keys kept parts of a bulk write out. */
export function areDuplicateKeys(error: unknown): boolean {
  if (!isDuplicateKey(error)) return false
  const parts = (error as { writeErrors?: unknown }).writeErrors
  return !Array.isArray(parts) || parts.every((part: unknown) => isDuplicateKey(part))
}
