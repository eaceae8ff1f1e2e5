import type { z } from 'zod'

const nouns: Record<string, string> = {
  string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false', object: 'an object', array: 'a list', date: 'a date', record: 'an object', null: 'null',
}
const formats: Record<string, string> = {
  email: 'an e-mail address', url: 'a web address', datetime: 'a date and time such as 2026-03-01T09:00:00Z', date: 'a date such as 2026-03-01', uuid: 'a UUID',
}

/** What is wrong with a member of a request, said so that it names the fix; undefined leaves a rarer fault to zod's own words. */
export const problemOf: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? `is missing: it must be ${nouns[issue.expected] ?? issue.expected}` : `must be ${nouns[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `${issue.input === undefined ? 'is missing: it ' : ''}must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`
    case 'unrecognized_keys':
      return `does not know ${issue.keys.map((key) => `“${key}”`).join(', ')}`
    case 'too_small':
      return sizeProblem(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum)
    case 'too_big':
      return sizeProblem(issue.origin, issue.inclusive === false ? 'less than' : 'at most', issue.maximum)
    case 'invalid_format':
      return formats[issue.format] === undefined ? undefined : `must be ${formats[issue.format]}`
    default:
      return undefined
  }
}

function sizeProblem(origin: string, bound: string, size: number | bigint): string {
  const one = Number(size) === 1
  if (origin === 'string') return Number(size) === 1 && bound === 'at least' ? 'must not be empty' : `must have ${bound} ${size} ${one ? 'character' : 'characters'}`
  if (origin === 'array' || origin === 'set') return `must have ${bound} ${size} ${one ? 'entry' : 'entries'}`
  return `must be ${bound} ${size}`
}
