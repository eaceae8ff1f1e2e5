import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Connection } from 'mongoose'
import { connect, startEmbeddedStore, type EmbeddedStore } from '../../src/store/index.ts'
import { until } from '../support/until.ts'

let dataDir: string
let server: EmbeddedStore
let connection: Connection
let sockets: Set<Socket>

function seen(message: unknown): void {
  const { socket } = message as { socket: Socket }
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
}

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'barometer-driver-'))
  server = await startEmbeddedStore({ dataDir })
  sockets = new Set()
  subscribe('net.client.socket', seen)
  connection = await connect(server.uri)
})

afterEach(async () => {
  unsubscribe('net.client.socket', seen)
  await connection.close()
  await server.stop()
  await rm(dataDir, { recursive: true, force: true })
})

/** The moment in which a socket is destroyed, because the other side ended it, and has not said `close` yet. */
function loseSockets(): void {
  for (const socket of sockets) socket.destroy()
}

const ping = () => connection.db?.command({ ping: 1 })

describe('a connection that the store has ended a moment ago', () => {
  it('fails the operation that meets it, and the next one goes over another connection', async () => {
    const notes = connection.collection<{ _id: string }>('notes')
    await ping()
    expect(sockets.size).toBeGreaterThan(1)
    loseSockets()
    await expect(notes.insertOne({ _id: 'first' })).rejects.toThrow(/closed/)
    await until('the store to be found again', async () => {
      try {
        return (await ping())?.['ok'] === 1
      } catch {
        return false
      }
    })
    await notes.insertOne({ _id: 'second' })
    expect(await notes.countDocuments()).toBe(1)
  })

  it('does not hold up the end of the sessions', async () => {
    await ping()
    loseSockets()
    await connection.close()
    expect(connection.readyState).toBe(0)
  })

  it('does not stop the monitor, however often the store goes and comes', async () => {
    const others = await Promise.all(Array.from({ length: 6 }, () => connect(server.uri)))
    const busy = [connection, ...others].map((each) => ({ each, done: 0, going: true }))
    const hands = busy.flatMap((one) => Array.from({ length: 4 }, async () => {
      while (one.going) {
        try {
          await one.each.db?.command({ ping: 1 })
          one.done += 1
        } catch {
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
    }))
    for (let round = 0; round < 3; round += 1) {
      await server.stop()
      server = await startEmbeddedStore({ dataDir })
      const before = busy.map((one) => one.done)
      await until('all connections to work again', () => busy.every((one, index) => one.done > (before[index] ?? 0) + 5), 10_000)
    }
    for (const one of busy) one.going = false
    await Promise.all(hands)
    await Promise.all(others.map((other) => other.close()))
  }, 60_000)
})
