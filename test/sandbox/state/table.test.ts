import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createTable } from './table.ts'

interface Row {
  id: string
  place: string
}

describe('an indexed table', () => {
  it('finds by index exactly what a scan finds, after any changes', () => {
    const step = fc.oneof(
      fc.record({ put: fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd'), place: fc.constantFrom('x', 'y', 'z') }) }),
      fc.record({ remove: fc.constantFrom('a', 'b', 'c', 'd') }),
    )
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const table = createTable<Row>((row) => row.id, { place: (row) => row.place })
      for (const one of steps) {
        if ('put' in one) table.put(one.put)
        else table.delete(one.remove)
      }
      for (const place of ['x', 'y', 'z']) {
        const scanned = table.values().filter((row) => row.place === place).map((row) => row.id).sort()
        expect(table.by('place', place).map((row) => row.id).sort()).toEqual(scanned)
      }
    }))
  })
})
