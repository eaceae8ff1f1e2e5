import { describeError, CodedError } from '../kernel/errors.ts'
import { headerName, headerSecrets } from '../marketplace/index.ts'

/** Prints the static header that triggers and actions are set up with in the developer portal. */
function run(): void {
  const listOf = (name: string): string[] => (process.env[name] ?? '').split(',').map((part) => part.trim()).filter((part) => part !== '')
  const [current] = headerSecrets({ actionSecrets: listOf('HIGHLEVEL_ACTION_SECRET'), sharedSecrets: listOf('HIGHLEVEL_SHARED_SECRET') })
  if (current === undefined) throw new CodedError('no_secret', 'Set HIGHLEVEL_SHARED_SECRET (or HIGHLEVEL_ACTION_SECRET) first: the header is made from it. In the sandbox nothing has to be set.')
  process.stdout.write(`${headerName}: ${current}\n`)
}

try {
  run()
} catch (error) {
  process.stderr.write(`${describeError(error).message}\n`)
  process.exitCode = 1
}
