import { startTestServer } from './server.ts'

/** Starts one store server for the whole run, unless MONGODB_URI names a real one. */
export default async function globalSetup(): Promise<void> {
  const server = await startTestServer()
  process.env['TEST_MONGODB_URI'] = server.uri
  ;(globalThis as { testServer?: { stop(): Promise<void> } }).testServer = server
}
