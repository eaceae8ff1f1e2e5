import { readonly, ref } from 'vue'

export interface Toast {
  id: number
  text: string
  kind: 'done' | 'problem'
  /** Something to do at once; the page offers it elsewhere, too. */
  action: { label: string; run: () => void } | null
}

const toasts = ref<Toast[]>([])
let ids = 0

const shownMs = 7_000

/** A short word of confirmation. It never holds the only way to act. */
export function toast(text: string, kind: Toast['kind'] = 'done', action: Toast['action'] = null): void {
  const id = ++ids
  toasts.value = [...toasts.value.slice(-2), { id, text, kind, action }]
  setTimeout(() => dismiss(id), kind === 'done' ? shownMs : 2 * shownMs)
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id)
}

export const shownToasts = readonly(toasts)

/** Open dialogs; the page behind one cannot be reached, so toasts show inside it. */
export const dialogs = ref(0)
