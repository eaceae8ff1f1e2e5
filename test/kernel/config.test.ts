import { describe, expect, it } from '@jest/globals'
import { readConfig } from '../../src/kernel/config.ts'
import { CodedError } from '../../src/kernel/errors.ts'

const credentials = { HIGHLEVEL_CLIENT_ID: '0123456789abcdef01234567-abcd1234', HIGHLEVEL_CLIENT_SECRET: 'client-secret', HIGHLEVEL_SHARED_SECRET: 'shared' }
const production = { ...credentials, NODE_ENV: 'production', APP_SECRET: 'x'.repeat(32), MONGODB_URI: 'mongodb://db/barometer', PUBLIC_URL: 'https://app.example.com/' }

function faultsOf(env: Record<string, string>): string {
  try {
    readConfig(env)
  } catch (error) {
    if (error instanceof CodedError) return error.message
    throw error
  }
  throw new Error('The configuration was accepted')
}

describe('configuration', () => {
  it('asks for the sandbox when no credentials are given outside production', () => {
    expect(readConfig({}).highlevel).toBeUndefined()
    expect(readConfig({ HIGHLEVEL_CLIENT_ID: '  ' }).highlevel).toBeUndefined()
  })

  it('derives the app id from the client id, and keeps a given one', () => {
    expect(readConfig(credentials).highlevel?.appId).toBe('0123456789abcdef01234567')
    expect(readConfig({ ...credentials, HIGHLEVEL_APP_ID: 'other' }).highlevel?.appId).toBe('other')
  })

  it('reads a complete production environment, without trailing slashes', () => {
    const config = readConfig(production)
    expect(config).toMatchObject({ production: true, publicUrl: 'https://app.example.com', mongodbUri: 'mongodb://db/barometer' })
    expect([...config.roles]).toEqual(['web', 'worker'])
  })

  it('reports every missing production value in one error, each with its fix', () => {
    const message = faultsOf({ NODE_ENV: 'production' })
    for (const name of ['HIGHLEVEL_CLIENT_ID', 'HIGHLEVEL_CLIENT_SECRET', 'HIGHLEVEL_SHARED_SECRET', 'APP_SECRET', 'MONGODB_URI', 'PUBLIC_URL']) expect(message).toContain(`${name}: is missing`)
  })

  it.each([
    ['PORT', 'http', 'must be a port number'],
    ['PUBLIC_URL', 'example.com', 'must be an http(s) URL'],
    ['MONGODB_URI', 'postgres://x', 'must start with mongodb://'],
    ['APP_SECRET', 'short', 'at least 32 bytes'],
    ['ROLES', 'web,cook', '"cook" is not a role'],
    ['SMTP_URL', 'mail.example.com', 'must start with smtp://'],
    ['LOG_LEVEL', 'loud', 'LOG_LEVEL'],
    ['HIGHLEVEL_ACTION_SECRET', 'long enough as it is,short', 'at least 16 bytes'],
  ])('refuses %s=%s and names the fix', (name, value, fix) => {
    expect(faultsOf({ [name]: value })).toContain(fix)
  })

  it('does not run with half of the credentials', () => {
    expect(faultsOf({ HIGHLEVEL_CLIENT_ID: 'a-b' })).toContain('HIGHLEVEL_CLIENT_SECRET: is missing')
  })

  it('accepts several webhook keys and shared secrets for a rotation', () => {
    const config = readConfig({ ...credentials, HIGHLEVEL_SHARED_SECRET: 'new, old', HIGHLEVEL_WEBHOOK_PUBLIC_KEYS: 'one,two' })
    expect(config.highlevel).toMatchObject({ sharedSecrets: ['new', 'old'], webhookPublicKeys: ['one', 'two'], actionSecrets: [] })
    expect(readConfig({ ...credentials, HIGHLEVEL_ACTION_SECRET: 'the new one 0123456789, the old one 0123456789' }).highlevel?.actionSecrets).toEqual(['the new one 0123456789', 'the old one 0123456789'])
  })
})
