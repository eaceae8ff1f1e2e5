import type { Correction } from './official/corrections.ts'

/** Everything that the official files have wrong, as far as the product meets it. */
export const apiCorrections: readonly Correction[] = []
