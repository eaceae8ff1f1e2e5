import { describe, it } from '@jest/globals'
import { officialFilesRequired, officialFolder } from './documents.ts'

/** A suite over the official files. Without them it says loudly that nothing was compared, or fails where they are required. */
export function withOfficialFiles(name: string, suite: (folder: string) => void): void {
  const folder = officialFolder()
  if (folder !== undefined) {
    describe(name, () => suite(folder))
    return
  }
  const text = `CONTRACT SUITE NOT RUN: "${name}" needs HighLevel's API files. Set HIGHLEVEL_OPENAPI_DIR to the folder that holds openapi/ and webhooks/.`
  it(`${name}: ${officialFilesRequired ? 'the official files are required' : 'SKIPPED, nothing was compared'}`, () => {
    if (officialFilesRequired) throw new Error(text)
    process.stderr.write(`\n${'!'.repeat(80)}\n${text}\n${'!'.repeat(80)}\n`)
  })
}
