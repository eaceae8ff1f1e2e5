import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import stopStore from '../../support/global-teardown.ts'
import { tableOf } from './report.ts'

/** Prints what was injected and what was lost. */
export default async function globalTeardown(): Promise<void> {
  await stopStore()
  const file = process.env['FAULT_REPORT']
  if (file === undefined) return
  process.stdout.write(`\n${tableOf(file)}\n`)
  rmSync(dirname(file), { recursive: true, force: true })
}
