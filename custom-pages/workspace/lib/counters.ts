import { readonly, ref } from 'vue'
import type { CaseList } from '../../../src/http/contract/cases.ts'
import { changes, either, onEveryChange } from '../../shared/lib/live.ts'
import { client } from '../../shared/lib/services.ts'

const unread = ref(0)
const overdue = ref(0)
let running = false

/** Figures of the tab row, read again when there is something new. A failed look keeps the old figure. */
export function useCounters() {
  async function look(): Promise<void> {
    const [notifications, cases] = await Promise.allSettled([
      client.get<{ unread: number }>('/api/notifications', { pageSize: 1 }),
      client.get<CaseList>('/api/cases', { state: 'open', overdue: true, pageSize: 1 }),
    ])
    if (notifications.status === 'fulfilled') unread.value = notifications.value.unread
    if (cases.status === 'fulfilled') overdue.value = cases.value.total
  }
  return {
    unread: readonly(unread),
    overdue: readonly(overdue),
    setUnread: (count: number) => (unread.value = count),
    look,
    start() {
      if (running) return
      running = true
      void look()
      onEveryChange(either(changes.notifications, changes.cases), look)
    },
  }
}
