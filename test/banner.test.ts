import { expect, it } from '@jest/globals'
import { sandboxBanner } from '../src/banner.ts'

const facts = { appUrl: 'http://localhost:3000', sandboxUrl: 'http://127.0.0.1:4010', dataDir: '/home/ann/barometer/.data', storeUri: 'mongodb://%2Ftmp%2Fstore.sock/barometer' }

it('a newcomer reads both addresses, where the data is, how to look into it, how to stop and where the story is', () => {
  const text = sandboxBanner(facts)
  for (const part of ['sandbox', 'http://localhost:3000', 'http://localhost:4010', facts.dataDir, facts.storeUri, 'Ctrl+C', 'README.md']) expect(text).toContain(part)
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(110)
})

it('the connection string of a database elsewhere is not printed: it may hold a password', () => {
  expect(sandboxBanner({ ...facts, storeUri: undefined })).not.toContain('Database')
})
