import { expect, it } from '@jest/globals'
import { z } from 'zod'
import { invalidInput } from '../../src/http/errors.ts'
import { problemOf } from '../../src/http/words.ts'

const schema = z.strictObject({
  name: z.string().min(1).max(3).optional(),
  size: z.number().int().min(2).optional(),
  level: z.enum(['happy', 'neutral']).optional(),
  list: z.array(z.boolean()).max(1).optional(),
  email: z.email().optional(),
  kind: z.literal('a').optional(),
  own: z.string().regex(/^x$/, 'must be x').optional(),
})

it.each<[unknown, string, string]>([
  [{ name: 5 }, 'name', 'must be text'],
  [{ name: '' }, 'name', 'must not be empty'],
  [{ name: 'four' }, 'name', 'must have at most 3 characters'],
  [{ size: 1 }, 'size', 'must be at least 2'],
  [{ size: 2.5 }, 'size', 'must be a whole number'],
  [{ level: 'sad' }, 'level', 'must be one of happy, neutral'],
  [{ list: [true, false] }, 'list', 'must have at most 1 entry'],
  [{ list: ['yes'] }, 'list.0', 'must be true or false'],
  [{ email: 'nobody' }, 'email', 'must be an e-mail address'],
  [{ kind: 'b' }, 'kind', 'must be a'],
  [{ own: 'y' }, 'own', 'must be x'],
  [{ other: 1 }, 'body', 'does not know “other”'],
  [[], 'body', 'must be an object'],
])('%j is refused with the member and the fix', (value, field, problem) => {
  const { error } = schema.safeParse(value, { error: problemOf })
  expect(invalidInput('body', error!)).toMatchObject({ status: 400, message: `${field}: ${problem}`, details: { fields: [{ field, problem }] } })
})

it('a member that is missing is said to be missing', () => {
  const { error } = z.object({ note: z.string(), level: z.enum(['happy']) }).safeParse({}, { error: problemOf })
  expect(invalidInput('body', error!)).toMatchObject({ details: { fields: [{ field: 'note', problem: 'is missing: it must be text' }, { field: 'level', problem: 'is missing: it must be happy' }] } })
})
