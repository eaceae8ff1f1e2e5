/** True if the store refused a write because a unique key is taken (MongoDB's error 11000). */
export function isDuplicateKey(error: unknown): boolean {
  return typeof error === 'object' && error !== null && (error as { code?: unknown }).code === 11_000
}
