import { describe, it } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { createExchangeChecker } from './official/check-exchange.ts'
import { correct } from './official/corrections.ts'
import { officialFolder, readDocuments } from './official/documents.ts'
import { apiCorrections } from './overlay.ts'
import { createRecording, distinctForms } from './scenario/record.ts'
import { everyGatewayMethod } from './scenario/gateway.ts'
import * as agency from './scenario/agency.ts'

const recording = createRecording()
describe('probe', () => {
  it('gateway', async () => { await everyGatewayMethod(recording) })
  it('agency', async () => { await agency.wholeStory(recording) })
  it('matching', async () => { await agency.matching(recording) })
  it('mapping', async () => { await agency.mapping(recording) })
  it('single', async () => { await agency.singleLocation(recording) })
  it('report', () => {
    const checker = createExchangeChecker(correct(readDocuments(officialFolder()!), apiCorrections))
    const out = new Map<string, number>()
    for (const e of distinctForms(recording.exchanges)) {
      const v = checker.check(e)
      for (const p of v.violations) { const k = `${e.method} ${v.operation?.path ?? e.path} ${e.status} | ${p}`; out.set(k, (out.get(k) ?? 0) + 1) }
    }
    writeFileSync('/tmp/violations.txt', [...out].map(([k, n]) => `${n} ${k}`).sort().join('\n') + `\n${recording.exchanges.length} ${distinctForms(recording.exchanges).length}\n`)
  })
})
