import { Rejection, type JsonObject } from '@downbeat/eventsourcing';
import { schemaErrors } from './check-schema';
import { keptValueErrors, plainSecrets, valueErrors } from './check-value';

const fieldsOf = (schema: JsonObject, document: JsonObject) => {
  expect(schemaErrors(schema)).toEqual([]);
  const errors = valueErrors(schema, document, ['configuration']);
  if (errors instanceof Rejection) throw new Error(errors.code);
  return errors.map(({ field, message }) => `${field} ${message}`);
};

const pool = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['database'],
  additionalProperties: false,
  properties: {
    database: {
      type: 'object',
      required: ['host', 'password'],
      properties: {
        host: { type: 'string', format: 'hostname' },
        port: { type: 'integer', minimum: 1, maximum: 65_535 },
        password: { type: 'string', minLength: 12 },
        replicas: { type: 'array', items: { $ref: '#/$defs/replica' }, uniqueItems: true },
      },
    },
  },
  $defs: { replica: { enum: ['a', 'b', 'c'] } },
};
const password = { $secret: { ref: 'env:DB_PASSWORD' } };

describe('a document', () => {
  it('that is as the schema says has nothing wrong with it', () =>
    expect(
      fieldsOf(pool, { database: { host: 'db-1', port: 5432, password, replicas: ['a', 'b'] } }),
    ).toEqual([]));

  it('is told of every place that is wrong, by its path, and never what stands there', () => {
    const canary = 'canary-4711';
    const errors = fieldsOf(pool, {
      database: { host: `${canary}!`, port: 0, replicas: ['a', 'a', canary] },
      databse: { host: canary },
    });
    expect(errors).toEqual([
      'configuration.database.password is required',
      'configuration.database.host must be in the format hostname',
      'configuration.database.port must be at least 1',
      'configuration.database.replicas must not hold anything twice',
      'configuration.database.replicas.2 must be one of the values that the schema lists',
      'configuration.databse is not a known field',
    ]);
    expect(errors.join()).not.toContain(canary);
  });

  it('may have a secret where text belongs, and nowhere else', () => {
    const database = { host: 'db', password };
    expect(fieldsOf(pool, { database })).toEqual([]);
    expect(fieldsOf(pool, { database: { ...database, port: password } })).toEqual([
      'configuration.database.port must be integer',
    ]);
    expect(fieldsOf(pool, { database: password })).toEqual([
      'configuration.database must be object',
    ]);
  });

  it('is told of twenty places at most', () => {
    const schema = { additionalProperties: { type: 'string' } };
    const document = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`k${at}`, at]));
    expect(fieldsOf(schema, document)).toHaveLength(20);
  });
});

describe('what is writeOnly', () => {
  const CANARY = 'hunter2-plain';
  const said = 'is secret (writeOnly): it must be a reference or a sealed value ({"$secret": …})';
  const secret = { writeOnly: true };
  const text = { type: 'string', ...secret };
  const found = (schema: JsonObject, document: JsonObject) => {
    const errors = fieldsOf(schema, document);
    expect(errors.join()).not.toContain(CANARY);
    expect(plainSecrets(schema, document, ['configuration'])).toEqual(
      errors
        .filter((error) => error.endsWith(said))
        .map((error) => ({ field: error.split(' ')[0], message: said })),
    );
    return errors;
  };
  const at = (...places: readonly string[]) =>
    places.map((place) => `configuration.${place} ${said}`);
  const in7 = { $schema: 'http://json-schema.org/draft-07/schema#' };
  const a = { a: CANARY };
  const refused: readonly (readonly [string, JsonObject, JsonObject, readonly string[]])[] = [
    ['at the top', { properties: { a: text } }, a, ['a']],
    ['below', { properties: { db: { properties: { a: text } } } }, { db: a }, ['db.a']],
    ['in a list', { properties: { l: { items: text } } }, { l: [password, CANARY] }, ['l.1']],
    ['first in a list', { properties: { l: { prefixItems: [text] } } }, { l: [CANARY] }, ['l.0']],
    [
      'among what a list holds',
      { properties: { l: { contains: { ...text, const: CANARY } } } },
      { l: ['x', CANARY] },
      ['l.1'],
    ],
    ['under other names', { additionalProperties: text }, a, ['a']],
    [
      'by a reference',
      { properties: { a: { $ref: '#/$defs/key' } }, $defs: { key: text } },
      a,
      ['a'],
    ],
    [
      'beside a reference of draft-07',
      {
        ...in7,
        properties: { a: { $ref: '#/definitions/any', ...secret } },
        definitions: { any: {} },
      },
      a,
      ['a'],
    ],
    ['by one of all', { properties: { a: { allOf: [{ type: 'string' }, secret] } } }, a, ['a']],
    ['by one of any', { properties: { a: { anyOf: [{ type: 'string' }, text] } } }, a, ['a']],
    [
      'by the one of several',
      { properties: { a: { oneOf: [{ type: 'number' }, text] } } },
      a,
      ['a'],
    ],
    [
      'on a condition',
      { if: { properties: { mode: { const: 'tls' } } }, then: { properties: { a: text } } },
      { mode: 'tls', ...a },
      ['a'],
    ],
    [
      'with something else',
      { dependentSchemas: { user: { properties: { a: text } } } },
      { user: 'kim', ...a },
      ['a'],
    ],
    [
      'as a whole, by its names too',
      { properties: { a: { ...secret, additionalProperties: false } } },
      { a: { [CANARY]: 1 } },
      ['a'],
    ],
    ['as a whole list', { properties: { l: secret } }, { l: [password, { k: CANARY }] }, ['l']],
    [
      'and no text',
      { properties: { pin: { type: 'integer', ...secret } } },
      { pin: 4711 },
      ['pin'],
    ],
  ];

  it.each(refused)('is refused as it is, %s', (_, schema, document, places) =>
    expect(found(schema, document)).toEqual(at(...places)),
  );

  it('is not said twice', () =>
    expect(found({ properties: { a: { allOf: [text, text] } } }, a)).toEqual(at('a')));

  it.each([
    ['a reference or sealed', { properties: { a: text } }, { a: password }],
    ['an object of such', { properties: { a: secret } }, { a: { b: password, c: [password] } }],
    ['nothing', { properties: { a: secret } }, { a: null }],
    ['not there', { properties: { a: text } }, {}],
    [
      'what is something else',
      { properties: { a: { anyOf: [text, { type: 'number' }] } } },
      { a: 5 },
    ],
    ['on another condition', { if: { required: ['tls'] }, then: { properties: { a: text } } }, a],
    ['what is not writeOnly', { properties: { a: { type: 'string', writeOnly: false } } }, a],
    ['a name', { propertyNames: secret }, { b: 1 }],
  ] as const)('may be %s', (_, schema, document) => expect(found(schema, document)).toEqual([]));

  it('is found in what is not complete, whatever it will be', () => {
    const kind = (name: string, more: object) => ({
      ...{
        required: ['kind'],
        properties: { kind: { const: name }, a: { type: 'string', ...more } },
      },
    });
    const schema = { oneOf: [kind('open', {}), kind('closed', secret)] };
    const errors = plainSecrets(schema, a);
    expect(errors).toEqual([{ field: 'a', message: said }]);
    expect(plainSecrets(schema, { kind: 'open', ...a })).toEqual([]);
  });

  it('costs no more the more of it there is', () => {
    const items = { items: { type: 'string', writeOnly: true } };
    const document = { a: Array.from({ length: 9_000 }, (_, n) => n) };
    const began = process.cpuUsage();
    expect(valueErrors({ properties: { a: items } }, document)).toHaveLength(20);
    const { user } = process.cpuUsage(began);
    // Each compared with each other takes seconds.
    expect(user).toBeLessThan(3_000_000);
  });

  it('is none of the faults of what was accepted before', () => {
    const schema = { properties: { a: secret, b: text } };
    expect(keptValueErrors(schema, { ...a, b: 5 })).toEqual([
      { field: 'b', message: expect.any(String) },
    ]);
  });

  it('is true or false', () =>
    expect(schemaErrors({ properties: { a: { writeOnly: 'yes' } } })).toEqual([
      { field: 'properties.a.writeOnly', message: 'must be true or false' },
    ]));
});

describe('the work of checking', () => {
  const nothing = (schema: JsonObject, document: JsonObject) =>
    expect(valueErrors(schema, document)).toMatchObject({
      code: 'configuration-schema-too-costly',
    });

  it('is bounded when a schema refers to itself', () => {
    nothing({ $ref: '#' }, {});
    nothing(
      { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
      {},
    );
  });

  it('is bounded when references multiply', () => {
    const doubled = (to: string) => ({ allOf: [{ $ref: to }, { $ref: to }] });
    const levels = Array.from({ length: 40 }, (_, at) => [`l${at}`, doubled(`#/$defs/l${at + 1}`)]);
    const $defs = { ...Object.fromEntries(levels), l40: { type: 'object' } } as JsonObject;
    nothing({ $ref: '#/$defs/l0', $defs }, {});
  });

  it('is enough for a schema that follows a value down', () => {
    const tree = { properties: { next: { $ref: '#' } }, additionalProperties: false };
    const chain = Array.from({ length: 30 }).reduce<JsonObject>((next) => ({ next }), {});
    expect(valueErrors(tree, chain)).toEqual([]);
  });
});

describe('draft-07', () => {
  const $schema = 'http://json-schema.org/draft-07/schema#';
  it('has lists of schemas for lists, and dependencies', () => {
    const schema = {
      $schema,
      properties: {
        pair: { items: [{ type: 'string' }, { type: 'number' }], additionalItems: false },
      },
      dependencies: { user: ['password'], tls: { required: ['certificate'] } },
    };
    expect(fieldsOf(schema, { pair: ['a', 1] })).toEqual([]);
    expect(fieldsOf(schema, { pair: [1, 1, 1], user: 'kim', tls: true })).toEqual([
      'configuration.pair.0 must be string',
      'configuration.pair.2 is not allowed',
      'configuration.password is required',
      'configuration.certificate is required',
    ]);
  });

  it('does not count what stands beside a reference', () => {
    const beside = {
      definitions: { any: {} },
      properties: { a: { $ref: '#/definitions/any', type: 'string' } },
    };
    expect(fieldsOf({ $schema, ...beside }, { a: 1 })).toEqual([]);
    expect(fieldsOf(beside, { a: 1 })).toEqual(['configuration.a must be string']);
  });
});
