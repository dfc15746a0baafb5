import type { JsonObject } from '@downbeat/eventsourcing';
import { schemaErrors } from './check-schema';

const CASES: readonly (readonly [what: string, schema: JsonObject, field: string, says: RegExp])[] =
  [
    [
      'an unknown draft',
      { $schema: 'http://json-schema.org/draft-04/schema#' },
      '$schema',
      /2020-12/,
    ],
    ['a misspelt keyword', { requried: ['a'] }, 'requried', /not a keyword/],
    [
      'a misspelt keyword deep down',
      { properties: { a: { typ: 'string' } } },
      'properties.a.typ',
      /not a keyword/,
    ],
    ['a type there is not', { type: 'text' }, 'type', /must be of null/],
    ['a type twice', { type: ['string', 'string'] }, 'type', /each once/],
    ['a schema that is none', { properties: { a: 'string' } }, 'properties.a', /must be a schema/],
    ['a negative length', { minLength: -1 }, 'minLength', /whole number/],
    ['a multiple of nothing', { multipleOf: 0 }, 'multipleOf', /more than 0/],
    ['a required name twice', { required: ['a', 'a'] }, 'required', /each once/],
    ['no alternative at all', { anyOf: [] }, 'anyOf', /list of schemas/],
    [
      'a regular expression',
      { properties: { a: { pattern: '^(a|a)*$' } } },
      'properties.a.pattern',
      /for ever/,
    ],
    [
      'patterns for names',
      { patternProperties: { '^(a+)+$': {} } },
      'patternProperties',
      /for ever/,
    ],
    ['a format that is not checked', { format: 'regex' }, 'format', /one of/],
    [
      'a reference to elsewhere',
      { $ref: 'https://schemas.test/a.json' },
      '$ref',
      /into this document/,
    ],
    ['a reference to a file', { $ref: 'file:///etc/passwd' }, '$ref', /into this document/],
    ['a reference to nothing', { $ref: '#/$defs/gone' }, '$ref', /leads to no schema/],
    [
      'a reference to what is no schema',
      { enum: [{ type: 'x' }], $ref: '#/enum/0' },
      '$ref',
      /leads to no schema/,
    ],
    [
      'what is not checked',
      { unevaluatedProperties: false },
      'unevaluatedProperties',
      /not supported/,
    ],
    ['lists of schemas in the newer draft', { items: [{}] }, 'items', /must be a schema/],
  ];

describe('a schema', () => {
  it.each(CASES)('with %s is refused, and the place named', (_, schema, field, says) => {
    const errors = schemaErrors(schema);
    expect(errors.map((one) => one.field)).toEqual([field]);
    expect(errors[0]?.message).toMatch(says);
  });

  it('may say nothing, or much', () => {
    expect(schemaErrors({})).toEqual([]);
    expect(
      schemaErrors({
        $id: 'billing',
        title: 'Billing',
        $defs: { 'a/b': { type: ['string', 'null'], default: 'x' } },
        properties: { one: { $ref: '#/$defs/a~1b' }, properties: true },
        if: { required: ['one'] },
        then: { minProperties: 2 },
      }),
    ).toEqual([]);
  });

  it('is told of twenty places at most', () =>
    expect(
      schemaErrors(Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`k${at}`, 1]))),
    ).toHaveLength(20));
});
