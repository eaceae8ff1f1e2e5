import { startSandbox } from './index.ts'

// Stands alone: `npm run sandbox`. Prints what an app needs to work against it, as environment lines.
const port = Number(process.env['SANDBOX_PORT'] ?? 4_010)
const appUrl = process.env['APP_URL'] ?? 'http://localhost:3000'
const stateFile = process.env['SANDBOX_STATE_FILE']
const sandbox = await startSandbox({ port, app: { appUrl }, searchLagMs: 1_500, ...(stateFile === undefined ? {} : { stateFile }) })
const { credentials } = sandbox

process.stdout.write(
  [
    `# The CRM stand-in is at ${sandbox.url} (it expects the app at ${appUrl}; set APP_URL to change that).`,
    `HIGHLEVEL_API_URL=${sandbox.url}`,
    `HIGHLEVEL_CLIENT_ID=${credentials.clientId}`,
    `HIGHLEVEL_CLIENT_SECRET=${credentials.clientSecret}`,
    `HIGHLEVEL_APP_ID=${credentials.appId}`,
    `HIGHLEVEL_SHARED_SECRET=${credentials.sharedSecret}`,
    `HIGHLEVEL_WEBHOOK_PUBLIC_KEYS=${credentials.webhookPublicKey}`,
    `HIGHLEVEL_INSTALL_URL=${sandbox.url}/v2/oauth/chooselocation`,
    '',
  ].join('\n'),
)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sandbox.stop().then(() => process.exit(0)))
