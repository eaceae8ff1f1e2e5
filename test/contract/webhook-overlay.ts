import type { Correction } from './official/corrections.ts'

/** Everything that HighLevel's webhook pages have wrong or leave out, as far as the sandbox sends it. */
export const webhookCorrections: readonly Correction[] = []
