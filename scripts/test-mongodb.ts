/**
 * `npm run test:mongodb`: the whole suite on a real MongoDB, and the store's probes with it.
 * Takes MONGODB_URI, else starts MONGODB_BINARY or a `mongod` from the PATH, once standalone and once as a replica set.
 * Where none can be had it says so loudly and ends well: the embedded store's probes then rest on documented semantics alone.
 */
import { spawnSync } from 'node:child_process'
import { MongoMemoryReplSet, MongoMemoryServer } from 'mongodb-memory-server-core'

function findBinary(): string | undefined {
  const named = process.env['MONGODB_BINARY']
  if (named !== undefined && named !== '') return named
  const found = spawnSync('sh', ['-c', 'command -v mongod'], { encoding: 'utf8' })
  return found.status === 0 ? found.stdout.trim() : undefined
}

function runSuite(title: string, uri: string): void {
  console.log(`\n=== the suite on ${title} ===`)
  const result = spawnSync('npm', ['test', '--', ...process.argv.slice(2)], { stdio: 'inherit', env: { ...process.env, MONGODB_URI: uri } })
  if (result.status !== 0) throw new Error(`The suite failed on ${title}`)
}

const given = process.env['MONGODB_URI']
const binary = findBinary()
if (given !== undefined && given !== '') {
  runSuite('MONGODB_URI', given)
} else if (binary === undefined) {
  console.log('\n*****************************************************************************')
  console.log('* NOT RUN: no real MongoDB is at hand (MONGODB_URI, MONGODB_BINARY, mongod). *')
  console.log('* The embedded store was NOT compared with a real server on this machine.    *')
  console.log('*****************************************************************************\n')
} else {
  const options = { binary: { systemBinary: binary, checkMD5: false } }
  const standalone = await MongoMemoryServer.create(options)
  try {
    runSuite('a standalone mongod', standalone.getUri())
  } finally {
    await standalone.stop()
  }
  const replicaSet = await MongoMemoryReplSet.create({ ...options, replSet: { count: 1 } })
  try {
    runSuite('a replica set', replicaSet.getUri())
  } finally {
    await replicaSet.stop()
  }
}
