import { Int32 } from 'bson'
import { ServerError } from '../errors.ts'
import { maxDocumentBytes } from '../records.ts'
import type { Doc } from '../values.ts'
import { maxMessageBytes } from '../wire.ts'
import type { Call, Command } from './command.ts'

/** The server introduces itself as a standalone MongoDB 7.0, whose answers it aims to give. */
const version = '7.0.0'
const maxWireVersion = 21

function hello({ engine, connectionId, name }: Call): Doc {
  return {
    helloOk: true,
    ...(name === 'hello' ? { isWritablePrimary: true } : { ismaster: true }),
    maxBsonObjectSize: new Int32(maxDocumentBytes),
    maxMessageSizeBytes: new Int32(maxMessageBytes),
    maxWriteBatchSize: new Int32(100_000),
    localTime: new Date(engine.nowMs()),
    logicalSessionTimeoutMinutes: new Int32(30),
    connectionId: new Int32(connectionId),
    minWireVersion: new Int32(0),
    maxWireVersion: new Int32(maxWireVersion),
    readOnly: false,
  }
}

const greeting: Command = {
  writes: false,
  options: ['client', 'compression', 'helloOk', 'topologyVersion', 'maxAwaitTimeMS', 'loadBalanced', 'backpressure', 'saslSupportedMechs', 'speculativeAuthenticate'],
  run: hello,
}

function answering(answer: Doc, options: string[] = []): Command {
  return { writes: false, options, run: () => ({ ...answer }) }
}

function refusing(code: 'IllegalOperation' | 'CommandNotSupported', message: string): Command {
  return {
    writes: false,
    options: ['txnNumber', 'autocommit', 'startTransaction', 'recoveryToken'],
    run() {
      throw new ServerError(code, message)
    },
  }
}

const noTransactions = refusing('IllegalOperation', 'Transaction numbers are only allowed on a replica set member or mongos')

export const sessionCommands: Record<string, Command> = {
  hello: greeting,
  isMaster: greeting,
  ismaster: greeting,
  ping: answering({}),
  buildInfo: answering({ version, gitVersion: 'embedded', versionArray: [7, 0, 0, 0].map((part) => new Int32(part)), modules: [], maxBsonObjectSize: new Int32(maxDocumentBytes), embedded: true }),
  buildinfo: answering({ version, gitVersion: 'embedded', versionArray: [7, 0, 0, 0].map((part) => new Int32(part)), modules: [], maxBsonObjectSize: new Int32(maxDocumentBytes), embedded: true }),
  connectionStatus: answering({ authInfo: { authenticatedUsers: [], authenticatedUserRoles: [] } }, ['showPrivileges']),
  endSessions: answering({}),
  startSession: answering({}),
  refreshSessions: answering({}),
  killSessions: answering({}),
  getParameter: refusing('CommandNotSupported', 'getParameter is not supported by the embedded store; set MONGODB_URI to use MongoDB'),
  commitTransaction: noTransactions,
  abortTransaction: noTransactions,
}
