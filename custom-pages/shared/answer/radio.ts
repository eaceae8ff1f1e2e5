/**
 * Where focus goes inside the radio group; null when the key is none of its keys. Arrows wrap and follow the reading direction.
 * Focus only: choosing is a separate act (Space, Enter or a tap), so that browsing the faces never answers.
 */
export function focusAfterKey(key: string, at: number, count: number, dir: 'ltr' | 'rtl'): number | null {
  const forward = dir === 'rtl' ? 'ArrowLeft' : 'ArrowRight'
  const back = dir === 'rtl' ? 'ArrowRight' : 'ArrowLeft'
  if (key === forward || key === 'ArrowDown') return (at + 1) % count
  if (key === back || key === 'ArrowUp') return (at + count - 1) % count
  if (key === 'Home') return 0
  if (key === 'End') return count - 1
  return null
}
