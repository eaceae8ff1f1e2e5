import { beforeAll, describe, expect, it } from '@jest/globals'
import { endpoints } from '../../src/highlevel/index.ts'
import { createExchangeChecker, type ExchangeChecker } from './official/check-exchange.ts'
import { correct } from './official/corrections.ts'
import { readDocuments, referencesOf, targetOf, valueAt, type Documents } from './official/documents.ts'
import { createRouteTable, shapeOf } from './official/operations.ts'
import { withOfficialFiles } from './official/suite.ts'
import { apiCorrections } from './overlay.ts'
import { closingTable } from './report.ts'
import * as agency from './scenario/agency.ts'
import { everyGatewayMethod } from './scenario/gateway.ts'
import { createRecording, distinctForms } from './scenario/record.ts'

withOfficialFiles('calls to HighLevel against its API files', (folder) => {
  const recording = createRecording()
  let official: Documents
  let checker: ExchangeChecker

  beforeAll(() => {
    official = readDocuments(folder)
    checker = createExchangeChecker(correct(official, apiCorrections))
  })

  function violationsOf(used: ExchangeChecker): Map<string, string[]> {
    const found = new Map<string, string[]>()
    for (const exchange of distinctForms(recording.exchanges)) {
      const { operation, violations } = used.check(exchange)
      for (const violation of violations) {
        const line = `${operation?.name ?? `${exchange.method} ${exchange.path}`} (${exchange.status}): ${violation}`
        found.set(line, [...(found.get(line) ?? []), operation?.name ?? ''])
      }
    }
    return found
  }

  it('every reference of the files leads somewhere', () => {
    const broken = [...official].flatMap(([file, document]) => referencesOf(document).flatMap((reference) => {
      const target = targetOf(official, file, reference)
      const document = official.get(target.file)
      return document !== undefined && valueAt(document, target.pointer) !== undefined ? [] : [`${file}: ${reference}`]
    }))
    expect(broken).toEqual([])
  })

  it('every endpoint of the product is an official operation, with its version and its scope', () => {
    const find = createRouteTable(checker.operations)
    const wrong = Object.values(endpoints).flatMap(({ name, method, path, version, scope }) => {
      const operation = find(method, path.replace(/\{\w+\}/g, 'x'), version ?? undefined)
      if (operation === undefined || shapeOf(operation.path) !== shapeOf(path)) return [`${name}: no operation`]
      // One operation documents no scope because the files are silent there; nothing can be compared.
      return operation.scopes.length > 0 && scope !== null && !operation.scopes.includes(scope) ? [`${name}: ${scope} is not ${operation.scopes.join(' or ')}`] : []
    })
    expect(wrong).toEqual([])
  })

  describe('while the product', () => {
    it('calls every method of the gateway', () => everyGatewayMethod(recording))
    it('serves an agency from installation to disconnect', () => agency.wholeStory(recording), 180_000)
    it('matches fields and pipelines that are there', () => agency.matching(recording))
    it('has an agency map pipelines that it may not create', () => agency.mapping(recording))
    it('is installed on one sub-account', () => agency.singleLocation(recording))
  })

  it('every request and every answer agrees with the files', () => {
    expect([...violationsOf(checker).keys()].sort()).toEqual([])
  })

  it('every endpoint of the product succeeded at least once', () => {
    const succeeded = new Set(recording.exchanges.filter(({ status }) => status < 300).map(({ method, template, headers }) => `${method} ${shapeOf(template ?? '')} ${headers['version'] ?? ''}`))
    const missed = Object.values(endpoints).filter(({ method, path, version }) => !succeeded.has(`${method} ${shapeOf(path)} ${version ?? ''}`)).map(({ name }) => name)
    expect(missed).toEqual([])
  })

  it('every correction of the files is still needed', () => {
    const find = (used: ExchangeChecker) => createRouteTable(used.operations)
    const standing = violationsOf(checker)
    const uses = apiCorrections.map((correction) => {
      const without = createExchangeChecker(correct(official, apiCorrections.filter((one) => one !== correction)))
      const scopes = Object.values(endpoints).filter(({ method, path, version, scope }) => {
        const operation = find(without)(method, path.replace(/\{\w+\}/g, 'x'), version ?? undefined)
        return scope !== null && operation !== undefined && !operation.scopes.includes(scope) && find(checker)(method, operation.path.replace(/\{\w+\}/g, 'x'), version ?? undefined)?.scopes.includes(scope) === true
      })
      return { correction, uses: [...violationsOf(without).keys()].filter((violation) => !standing.has(violation)).length + scopes.length }
    })
    process.stdout.write(closingTable(recording.exchanges, checker, uses))
    expect(uses.filter((entry) => entry.uses === 0).map(({ correction }) => correction.name)).toEqual([])
  })
})
