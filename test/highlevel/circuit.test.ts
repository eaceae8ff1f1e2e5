import { describe, expect, it } from '@jest/globals'
import { createCircuit } from '../../src/highlevel/circuit.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const settings = { threshold: 3, restMs: 1_000, maxRestMs: 8_000 }

function openCircuit() {
  const clock = createFakeClock()
  const circuit = createCircuit({ clock, settings, random: () => 0.5 })
  for (let failure = 0; failure < settings.threshold; failure++) {
    circuit.enter('a')
    circuit.failed('a')
  }
  return { clock, circuit }
}

describe('circuit', () => {
  it('opens after failures in a row and says when to come back', () => {
    const { circuit } = openCircuit()
    expect(() => circuit.enter('a')).toThrow(expect.objectContaining({ code: 'highlevel_circuit_open', retryAfterMs: 1_000 }))
  })

  it('leaves other resources alone', () => {
    const { circuit } = openCircuit()
    expect(() => circuit.enter('b')).not.toThrow()
  })

  it('a success in between starts the count anew', () => {
    const { circuit } = openCircuit()
    circuit.failed('c')
    circuit.failed('c')
    circuit.succeeded('c')
    circuit.failed('c')
    expect(() => circuit.enter('c')).not.toThrow()
  })

  it('lets one probe through, closes when it succeeds, rests longer when it fails', () => {
    const { circuit, clock } = openCircuit()
    clock.advanceMs(1_001)
    circuit.enter('a')
    expect(() => circuit.enter('a')).toThrow('HighLevel keeps failing')
    circuit.failed('a')
    clock.advanceMs(1_001)
    expect(() => circuit.enter('a')).toThrow(expect.objectContaining({ retryAfterMs: 999 }))
    clock.advanceMs(1_000)
    circuit.enter('a')
    circuit.succeeded('a')
    expect(() => circuit.enter('a')).not.toThrow()
    expect(() => circuit.enter('a')).not.toThrow()
  })

  it('a probe that never went out does not block the next', () => {
    const { circuit, clock } = openCircuit()
    clock.advanceMs(1_001)
    circuit.enter('a')
    circuit.abandoned('a')
    expect(() => circuit.enter('a')).not.toThrow()
  })
})
