import { describe, expect, it } from '@jest/globals'
import { createLogger } from '../../src/kernel/logger.ts'

describe('logger', () => {
  it('prints no secret or personal member, at the top or nested', () => {
    const lines: string[] = []
    const logger = createLogger('info', { write: (line: string) => void lines.push(line) })
    logger.info({ accessToken: 'S1', user: { email: 'S2', id: 'u1' }, deep: { inner: { refresh_token: 'S3', comment: 'S4' } }, body: 'S5', headers: { authorization: 'S6' } }, 'done')
    const text = lines.join('')
    expect(text).not.toMatch(/S[1-6]/)
    expect(text).toContain('"id":"u1"')
  })
})
