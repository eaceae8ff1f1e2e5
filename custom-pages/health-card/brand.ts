import { repairBrand } from '../shared/answer/colour.ts'

/** Dresses the page in the agency's colour, readable in light and dark; a text that is no colour changes nothing. */
export function applyBrand(accentColour: string, root: HTMLElement): void {
  const light = repairBrand(accentColour, false)
  const dark = repairBrand(accentColour, true)
  if (light === null || dark === null) return
  root.style.setProperty('--brand', `light-dark(${light.brand}, ${dark.brand})`)
  root.style.setProperty('--on-brand', `light-dark(${light.onBrand}, ${dark.onBrand})`)
  root.style.setProperty('--brand-ink', `light-dark(${light.ink}, ${dark.ink})`)
  // Hover darkens towards whatever the text on it is not, so that it never loses contrast.
  const towards = light.onBrand === '#ffffff' ? '#000000' : '#ffffff'
  root.style.setProperty('--brand-hover', `color-mix(in srgb, var(--brand) 88%, ${towards})`)
}
