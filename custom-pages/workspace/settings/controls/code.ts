const mostCharacters = 40

/**
 * The code by which records name a reason: its words, as far as a code can carry them, so that it can still be read once the reason is taken away.
 * @param fallback for words of which nothing is left, as those in another script; never used before
 */
export function codeFor(label: string, taken: readonly string[], fallback: string): string {
  const words = label.normalize('NFKD').toLowerCase().replace(/\p{M}/gu, '').replace(/[^a-z0-9]+/g, '_').replace(/^[^a-z]+|_+$/g, '').slice(0, mostCharacters - 3).replace(/_+$/, '')
  const code = words.length < 2 ? fallback : words
  if (!taken.includes(code)) return code
  for (let count = 2; ; count += 1) if (!taken.includes(`${code}_${count}`)) return `${code}_${count}`
}
