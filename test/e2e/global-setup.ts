import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import startStore from '../support/global-setup.ts'

/** Builds the pages into a folder of the suite's own, so that nobody's rebuild disturbs a run, and starts the store. */
export default async function globalSetup(): Promise<void> {
  const root = join(import.meta.dirname, '../..')
  const publicDir = join(root, 'dist', 'e2e')
  await promisify(execFile)(process.execPath, ['--import', 'tsx', 'scripts/build-pages.ts', publicDir], { cwd: root })
  process.env['E2E_PUBLIC_DIR'] = publicDir
  await startStore()
}
