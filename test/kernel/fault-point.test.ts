import { describe, expect, it } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { createFaultPoint } from '../../src/kernel/fault-point.ts'

const module = new URL('../../src/kernel/fault-point.ts', import.meta.url).href

/** Passes a point three times in a process of its own. */
function passThrice(env: Record<string, string>): { signal: string | null; output: string } {
  const script = `import { createFaultPoint } from '${module}'; const pass = createFaultPoint(process.env); for (const n of [1, 2, 3]) { pass('queue.claimed'); process.stdout.write(String(n)) }`
  const { signal, stdout } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { env: { ...process.env, ...env }, encoding: 'utf8' })
  return { signal, output: stdout }
}

describe('a fault point', () => {
  it('kills the process at the chosen passing, and not before', () => {
    expect(passThrice({ BAROMETER_FAULT_POINT: 'queue.claimed:2', NODE_ENV: 'test' })).toEqual({ signal: 'SIGKILL', output: '1' })
  })

  it('does nothing at other points, without the variable, and in production', () => {
    for (const env of [{}, { BAROMETER_FAULT_POINT: 'effects.accepted' }, { BAROMETER_FAULT_POINT: 'queue.claimed', NODE_ENV: 'production' }]) {
      expect(() => createFaultPoint(env)('queue.claimed')).not.toThrow()
    }
  })
})
