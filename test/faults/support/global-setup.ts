import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import startStore from '../../support/global-setup.ts'

export default async function globalSetup(): Promise<void> {
  process.env['FAULT_REPORT'] = join(mkdtempSync(join(tmpdir(), 'barometer-fault-report-')), 'rows.jsonl')
  await startStore()
}
