import { Rejection, type JsonObject } from '@downbeat/eventsourcing';
import { schemaErrors } from './check-schema';
import { valueErrors } from './check-value';

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
