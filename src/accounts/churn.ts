import type { DomainEvent, Events } from '../events/index.ts'

/** An account that became churned: told beside the change of its group, under a key that derives from it. Idempotent. */
export async function tellChurn(events: Pick<Events, 'append'>, event: DomainEvent): Promise<void> {
  if (event.type !== 'account.group_changed' || event.after !== 'churned' || event.locationId === null) return
  const { key, companyId, locationId, at, actor, source, before } = event
  await events.append({
    key: `account.churned:${key}`, companyId, locationId, userId: null, at, actor, source, type: 'account.churned', before, after: 'churned',
    summary: 'The account has churned.', cause: { kind: 'event', id: key }, data: { ...event.data, reason: 'group_changed' },
  })
}
