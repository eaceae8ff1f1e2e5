/** A brand colour made safe to read. */
export interface BrandColours {
  /** Ground of the primary button. */
  brand: string
  /** Text on it: white, or near-black where white would fall under 4.5:1. */
  onBrand: string
  /** Links on the card's surface, moved towards readable until 4.5:1. */
  ink: string
}

type Rgb = [number, number, number]

const black: Rgb = [16, 24, 40]
const white: Rgb = [255, 255, 255]
const darkSurface: Rgb = [22, 28, 42]

/** `#rgb` or `#rrggbb`; anything else is null. */
export function parseHex(text: string): Rgb | null {
  const match = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim())
  if (match?.[1] === undefined) return null
  const full = match[1].length === 3 ? match[1].replace(/./g, '$&$&') : match[1]
  return [0, 2, 4].map((at) => parseInt(full.slice(at, at + 2), 16)) as Rgb
}

/** WCAG 2.x relative luminance contrast, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map((part) => {
    const share = part / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as Rgb
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  return from.map((part, at) => Math.round(part + ((to[at] ?? 0) - part) * share)) as Rgb
}

function hex(colour: number[]): string {
  return `#${colour.map((part) => part.toString(16).padStart(2, '0')).join('')}`
}

/** Contrast repair of an agency's colour; null for text that is no colour. */
export function repairBrand(text: string, dark: boolean): BrandColours | null {
  const brand = parseHex(text)
  if (brand === null) return null
  const surface = dark ? darkSurface : white
  let ink = brand
  for (let step = 1; step <= 20 && contrast(ink, surface) < 4.5; step++) ink = mix(brand, dark ? white : black, step / 20)
  // Where both white and our near-black fall short, pure black never does.
  const onBrand = [white, black].find((ink) => contrast(ink, brand) >= 4.5) ?? [0, 0, 0]
  return { brand: hex(brand), onBrand: hex(onBrand), ink: hex(ink) }
}
