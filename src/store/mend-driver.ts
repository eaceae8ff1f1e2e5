import { createRequire } from 'node:module'
import type { Socket } from 'node:net'

/** The part of the driver's connection that is mended; it is not in the driver's public types. */
interface DriverConnection {
  socket: Socket
  cleanup(error: Error): void
}

const mended = new WeakSet<object>()

/**
 * Mends the driver's connections in this process; once, however often it is called.
 *
 * A write to a socket that the server has ended a moment ago, and whose `close` is still to come, is refused without an `error` event: the
 * stream is destroyed already. The driver (seen in 7.8 and 7.9) then waits for the socket's `drain`, which never comes, and a destroyed socket
 * has no time limit. An operation that meets this moment never ends, and neither does the pump that runs it or the `close` that ends the
 * sessions; where it is the monitor's heartbeat, the server counts as away until the process is restarted. So whoever waits for `drain` is
 * woken when the connection is cleaned up, finds its error there and fails as the driver's other operations do.
 */
export function mendDriver(): void {
  const { Connection } = createRequire(import.meta.url)('mongodb/lib/cmap/connection.js') as { Connection: { prototype: DriverConnection } }
  const { prototype } = Connection
  if (mended.has(prototype)) return
  mended.add(prototype)
  const cleanup = Reflect.get(prototype, 'cleanup')
  prototype.cleanup = function (this: DriverConnection, error) {
    cleanup.call(this, error)
    if (this.socket.listenerCount('drain') > 0) this.socket.emit('drain')
  }
}
