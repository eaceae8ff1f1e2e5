import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { mergeFields, sampleValues } from '../../workflows/fields.ts'
import { checkTemplate, htmlFromText, renderTemplate } from '../../workflows/templates.ts'

describe('templates', () => {
  it('stand in for every missing value', () => {
    for (const field of mergeFields) expect(renderTemplate('text', `[{{ ${field.key} }}]`, {})).toBe(`[${field.fallback}]`)
  })

  it('treat a blank value as missing', () => {
    expect(renderTemplate('text', 'Hi {{ user.first_name }},', { 'user.first_name': '   ' })).toBe('Hi there,')
    expect(renderTemplate('text', 'Hi {{ user.first_name }},', { 'user.first_name': null })).toBe('Hi there,')
  })

  it('name an unknown field with its exact place and a likely one', () => {
    expect(checkTemplate('Hi,\n\nyou are {{ user.frist_name }}')).toEqual([
      { line: 3, column: 12, message: expect.stringMatching(/no field “user.frist_name”.*user.first_name/) },
    ])
  })

  it('name an unknown field inside a branch that samples do not take', () => {
    expect(checkTemplate('{% if answer.comment == "x" %}{{ nothing.here }}{% endif %}')).toHaveLength(1)
  })

  it.each([
    ['an unknown filter', 'A\n{{ user.name | shout }}', 2, /no filter “shout”/],
    ['a tag that could read files', '{% include "x" %}', 1, /“include” cannot be used/],
    ['a loop', '{% for i in (1..9) %}x{% endfor %}', 1, /“for” cannot be used/],
    ['an assignment', '{% assign a = 1 %}', 1, /“assign” cannot be used/],
    ['an open field', 'Hi {{ user.name', 1, /not closed/],
    ['an open branch', '{% if user.name %}x', 1, /not closed/],
    ['a filter that would switch escaping off', '{{ user.name | raw }}', 1, /no filter “raw”/],
    ['a bare group', '{{ user }}', 1, /no field “user”/],
    ['a prototype member', '{{ user.constructor }}', 1, /no field/],
  ])('refuse %s', (_what, source, line, message) => {
    const faults = checkTemplate(source)
    expect(faults[0]?.line).toBe(line)
    expect(faults[0]?.message).toMatch(message)
  })

  it('escape values in HTML and leave them alone in text', () => {
    const values = { 'account.name': '<b>Tom & "Co"</b>' }
    expect(renderTemplate('html', '<p>{{ account.name }}</p>', values)).toBe('<p>&lt;b&gt;Tom &amp; &#34;Co&#34;&lt;/b&gt;</p>')
    expect(renderTemplate('text', '{{ account.name }}', values)).toBe('<b>Tom & "Co"</b>')
  })

  it('no value can bring markup into HTML', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const html = renderTemplate('html', '<p>{{ answer.comment }}</p>', { 'answer.comment': value })
        expect(html.slice(3, -4)).not.toMatch(/[<>"]/)
      }),
    )
  })

  it('a subject is one line whatever a name contains', () => {
    expect(renderTemplate('line', 'Hi {{ user.name }}', { 'user.name': 'Eve\r\nBcc: all@example.com' })).toBe('Hi Eve Bcc: all@example.com')
  })

  it('a value is never read as a template', () => {
    expect(renderTemplate('text', '{{ answer.comment }}', { 'answer.comment': '{{ user.name }}{% if %}' })).toBe('{{ user.name }}{% if %}')
  })

  it('HTML made from text says the same and keeps the fields', () => {
    expect(htmlFromText('Hi {{ user.first_name }},\n\na < b & c\nnext {% if answer.comment != "" %}x{% endif %}')).toBe(
      '<p>Hi {{ user.first_name }},</p>\n<p>a &lt; b &amp; c<br>\nnext {% if answer.comment != "" %}x{% endif %}</p>',
    )
  })

  it('samples exist for every field', () => {
    expect(Object.keys(sampleValues)).toHaveLength(mergeFields.length)
  })
})
