import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { csvOf } from '../../src/kernel/csv.ts'

const one = [{ name: 'Value', value: (row: string) => row }]
const cellOf = (text: string) => csvOf([], one, [text]).split('\r\n').slice(2, -1).join('\r\n')

describe('an export', () => {
  it('says what it is and which filters made it before the table', () => {
    const text = csvOf([['Accounts', '2026-11-22T04:00:00.000Z'], ['Group', null]], [{ name: 'Name', value: (row: { name: string; users: number }) => row.name }, { name: 'Users', value: (row) => row.users }], [
      { name: 'Bright "Smile", Dental', users: -3 },
    ])
    expect(text).toBe('\uFEFFAccounts,2026-11-22T04:00:00.000Z\r\nGroup,all\r\n\r\nName,Users\r\n"Bright ""Smile"", Dental",-3\r\n')
  })

  it.each(['=1+1', '+49 30 1', '-2+3', '@SUM(A1)', '\tx', '\rx', '＝1'])('never lets a text become a formula: %j', (text) => {
    expect(cellOf(text).replace(/^"/, '').startsWith("'")).toBe(true)
  })

  it('keeps every text in its cell, whatever it contains', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const cell = cellOf(text)
        const quoted = /^"([\s\S]*)"$/.exec(cell)
        const read = quoted === null ? cell : (quoted[1] ?? '').replaceAll('""', '"')
        expect(read.replace(/^'(?=[=+\-@\t\r＝＋－＠])/, '')).toBe(text.replace(/^'(?=[=+\-@\t\r＝＋－＠])/, ''))
        if (quoted === null) expect(cell).not.toMatch(/[,\r\n"]/)
      }),
    )
  })
})
