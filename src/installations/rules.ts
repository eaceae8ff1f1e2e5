import { dayMs, minuteMs } from '../kernel/clock.ts'
import type { InstallationRecord, InstallationStatus } from './model.ts'

/** The facts that decide an installation's status, each the newest of its kind. */
export type InstallationFacts = Pick<InstallationRecord, 'installedAt' | 'uninstalledAt' | 'authorizedAt' | 'reconnectAt'>

function newest(...instants: (Date | null)[]): Date | null {
  return instants.reduce((latest, instant) => (instant !== null && (latest === null || instant > latest) ? instant : latest), null)
}

/** The status that facts lead to, whatever order they arrived in. An UNINSTALL of the same instant outweighs an INSTALL. */
export function installationStatus({ installedAt, uninstalledAt, authorizedAt, reconnectAt }: InstallationFacts): InstallationStatus {
  const wanted = newest(installedAt, authorizedAt)
  if (uninstalledAt !== null && (wanted === null || uninstalledAt >= wanted)) return 'uninstalled'
  if (authorizedAt === null || (uninstalledAt !== null && uninstalledAt >= authorizedAt)) return 'pending'
  return reconnectAt !== null && reconnectAt > authorizedAt ? 'needs_reconnect' : 'active'
}

/** When an uninstalled agency's data may be deleted. */
export function purgeAfterOf(uninstalledAt: Date, retentionDays: number): Date {
  return new Date(uninstalledAt.getTime() + retentionDays * dayMs)
}

const parkedWaitsMs = [minuteMs, 5 * minuteMs, 15 * minuteMs, 60 * minuteMs, 180 * minuteMs, 720 * minuteMs]

/** Pause before a parked INSTALL is looked at again. @param attempts looks so far, from 1 */
export function parkedWaitMs(attempts: number): number {
  return parkedWaitsMs[Math.min(attempts, parkedWaitsMs.length) - 1] ?? dayMs
}
