import { readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { createApp, type App } from './app.ts'
import { sandboxBanner } from './banner.ts'
import { systemClock } from './kernel/clock.ts'
import { readConfig, type Config } from './kernel/config.ts'
import { CodedError, describeError } from './kernel/errors.ts'
import { createFaultPoint } from './kernel/fault-point.ts'
import { createLogger, type Logger } from './kernel/logger.ts'
import { openStore } from './store/index.ts'

/** The part of the local stand-in that a start without credentials needs; it is not part of a production build. */
interface SandboxModule {
  startSandbox: (options: Record<string, unknown>) => Promise<{
    url: string
    companyId: string
    credentials: { clientId: string; clientSecret: string; appId: string; sharedSecret: string; webhookPublicKey: string }
    stop(): Promise<void>
  }>
}

type Sandbox = Awaited<ReturnType<SandboxModule['startSandbox']>>

const shutdownDeadlineMs = 15_000
const sandboxPort = 4_010
/** The project's folder: beside `src/` from source, above `dist/` when compiled. */
const rootDir = import.meta.url.endsWith('.ts') ? new URL('..', import.meta.url) : new URL('../..', import.meta.url)

/** A generated `APP_SECRET` for trying out, kept in the data folder so that a restart can open what it sealed. */
async function keptSecret(dataDir: string): Promise<string> {
  const file = join(dataDir, 'app-secret')
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const secret = randomBytes(48).toString('base64')
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await writeFile(file, secret, { mode: 0o600 })
  return secret
}

async function configuration(): Promise<Config> {
  const { env } = process
  const needsSecret = env['APP_SECRET'] === undefined && env['NODE_ENV'] !== 'production'
  return readConfig(env, needsSecret ? await keptSecret(env['DATA_DIR'] ?? '.data') : undefined)
}

/** For trying out, the story must work at any hour and within seconds. What somebody has set themselves stays. */
async function relaxSandboxSettings(settings: App['services']['settings'], companyId: string): Promise<void> {
  const { version } = await settings.view(companyId)
  if (version === 0) await settings.update(companyId, { messages: { quietHours: { enabled: false }, holdSeconds: 5 } }, 'sandbox')
}

async function withSandbox(config: Config, logger: Logger): Promise<{ config: Config; sandbox: Sandbox | undefined }> {
  if (config.highlevel !== undefined) return { config, sandbox: undefined }
  const { startSandbox } = (await import(new URL('test/sandbox/index.ts', rootDir).href)) as SandboxModule
  const port = Number(process.env['SANDBOX_PORT'] ?? sandboxPort)
  const sandbox = await startSandbox({ port, app: { appUrl: config.publicUrl }, searchLagMs: 1_500, stateFile: join(config.dataDir, 'sandbox.json') })
  const { credentials } = sandbox
  logger.info(`No credentials were given, so this is the sandbox: a local stand-in for the CRM at ${sandbox.url.replace('127.0.0.1', 'localhost')}`)
  return {
    sandbox,
    config: {
      ...config,
      highlevel: {
        clientId: credentials.clientId,
        clientSecret: credentials.clientSecret,
        appId: credentials.appId,
        sharedSecrets: [credentials.sharedSecret],
        webhookPublicKeys: [credentials.webhookPublicKey],
        apiUrl: sandbox.url,
        installUrl: `${sandbox.url}/v2/oauth/chooselocation?response_type=code&client_id=${credentials.clientId}&redirect_uri=${encodeURIComponent(`${config.publicUrl}/oauth/callback`)}`,
        actionSecrets: [],
      },
    },
  }
}

async function start(): Promise<void> {
  const startedAtMs = performance.now()
  const given = await configuration()
  // In the sandbox a newcomer reads the banner; lines in JSON are for machines.
  const isQuiet = given.highlevel === undefined && process.env['LOG_LEVEL'] === undefined
  const logger = createLogger(isQuiet ? 'warn' : given.logLevel)
  const { config, sandbox } = await withSandbox(given, logger)
  if (config.highlevel === undefined) throw new Error('unreachable: the sandbox fills in the credentials')

  let stopping: Promise<void> | undefined
  const store = await openStore({
    ...config,
    logger,
    onFault: (error) => {
      logger.fatal({ code: describeError(error).code, reason: error.message }, 'The store died')
      void shutDown(1)
    },
  })
  if (store.kind !== 'mongodb') logger.info({ dataDir: config.dataDir, uri: store.uri }, store.kind === 'embedded' ? 'Using the embedded store (for trying out; set MONGODB_URI for production)' : 'Running your mongod')
  const { version } = JSON.parse(readFileSync(new URL('package.json', rootDir), 'utf8')) as { version: string }
  const manifest = JSON.parse(readFileSync(new URL('app-manifest.json', rootDir), 'utf8')) as { scopes: { scope: string }[] }
  const app = createApp({
    config: { ...config, highlevel: config.highlevel },
    connection: store.connection,
    clock: systemClock,
    logger,
    publicDir: new URL('dist/public', rootDir).pathname,
    version,
    scopes: manifest.scopes.map(({ scope }) => scope),
    faultPoint: createFaultPoint(process.env),
    sandboxUrl: sandbox === undefined ? undefined : config.highlevel.apiUrl,
  })
  await app.start()
  if (sandbox !== undefined) await relaxSandboxSettings(app.services.settings, sandbox.companyId)
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 }, app.express)
  if (config.roles.has('web')) {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(config.port, config.host, resolve)
    })
    const { port } = server.address() as AddressInfo
    logger.info(`Barometer is ready on http://localhost:${port} after ${Math.round(performance.now() - startedAtMs)} ms`)
    if (sandbox !== undefined) {
      const storeUri = store.kind === 'mongodb' ? undefined : store.uri
      process.stdout.write(sandboxBanner({ appUrl: `http://localhost:${port}`, sandboxUrl: sandbox.url, dataDir: resolve(config.dataDir), storeUri }))
    }
  } else {
    logger.info(`Barometer's worker is ready after ${Math.round(performance.now() - startedAtMs)} ms`)
  }

  function shutDown(exitCode: number): Promise<void> {
    stopping ??= (async () => {
      const deadline = setTimeout(() => {
        logger.error('Shutting down took too long; leases of unfinished work will run out')
        process.exit(exitCode === 0 ? 1 : exitCode)
      }, shutdownDeadlineMs)
      deadline.unref()
      try {
        app.endStreams()
        if (server.listening) {
          const closed = new Promise<void>((resolve) => server.close(() => resolve()))
          server.closeIdleConnections()
          await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 5_000).unref())])
          server.closeAllConnections()
        }
        await app.stop()
        await sandbox?.stop()
        await store.close()
        logger.info('Stopped')
        process.exit(exitCode)
      } catch (error) {
        logger.fatal({ code: describeError(error).code, reason: describeError(error).message }, 'Shutting down failed')
        process.exit(1)
      }
    })()
    return stopping
  }
  process.on('SIGTERM', () => void shutDown(0))
  process.on('SIGINT', () => void shutDown(0))
}

try {
  await start()
} catch (error) {
  const described = describeError(error)
  process.stderr.write(`${error instanceof CodedError ? described.message : error instanceof Error ? (error.stack ?? error.message) : described.message}\n`)
  process.exit(1)
}
