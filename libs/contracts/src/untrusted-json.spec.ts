import { Rejection } from '@downbeat/eventsourcing';
import * as fc from 'fast-check';
import { keysWritten, repeatedKey } from './repeated-key';
import {
  checkUntrusted,
  JSON_BYTES_MAX,
  JSON_DEPTH_MAX,
  JSON_KEYS_MAX,
  parseUntrustedJson,
} from './untrusted-json';

const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
const withKeys = (count: number): string =>
  JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, 1])));
/** As JSON, this many bytes. */
const textOf = (bytes: number, character: string, width: number): string =>
  `"${character.repeat((bytes - 2) / width)}"`;

describe('JSON from outside', () => {
  it.each([
    ['at the depth allowed', nested(JSON_DEPTH_MAX)],
    ['with the keys allowed', withKeys(JSON_KEYS_MAX)],
    ['of the length allowed', textOf(JSON_BYTES_MAX, 'x', 1)],
    ['of the length allowed, in two bytes each', textOf(JSON_BYTES_MAX, 'é', 2)],
    ['of the length allowed, in pairs', textOf(JSON_BYTES_MAX - 2, '😀', 4)],
    ['that is no object', '[1,null,"a"]'],
  ])('is taken %s', (_, text) => {
    expect(parseUntrustedJson(text)).toEqual({ value: JSON.parse(text) });
  });

  it.each([
    ['one level deeper', nested(JSON_DEPTH_MAX + 1), 'malformed-body'],
    ['a hundred thousand levels deep', nested(100_000), 'malformed-body'],
    ['one key more', withKeys(JSON_KEYS_MAX + 1), 'malformed-body'],
    ['keys hidden by another', `{"a":${withKeys(JSON_KEYS_MAX)},"a":1}`, 'malformed-body'],
    ['one byte longer', textOf(JSON_BYTES_MAX + 1, 'x', 1), 'body-too-large'],
    ['longer in bytes though not in letters', textOf(JSON_BYTES_MAX + 1, '€', 3), 'body-too-large'],
    ['longer in bytes, in pairs', textOf(JSON_BYTES_MAX + 2, '😀', 4), 'body-too-large'],
    ['cut off', '{"a":', 'malformed-body'],
    ['empty', '', 'malformed-body'],
  ])('is refused %s', (_, text, code) => {
    expect(parseUntrustedJson(text)).toMatchObject({
      code,
      kind: 'invalid',
      errors: [{ field: expect.any(String) as string }],
    });
  });

  it.each(['__proto__', 'constructor', 'prototype'])(
    'is refused with the name %s, at its place',
    (name) => {
      expect(parseUntrustedJson(`{"a":[{"${name}":1}]}`)).toMatchObject({
        errors: [{ field: `a.0.${name}` }],
      });
    },
  );

  it.each([
    ['{"a":1,"a":1}', 'a'],
    ['{"a":{"b":[1,{"c":0,"d":{},"c":2}]}}', 'a.b.1.c'],
    ['[{"a":1},{"a":1,"a":2}]', '1.a'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"a" : 1 ,\n\t"a"\r\n: 2}', 'a'],
    ['{"\\"":1,"\\\\":2,"\\"":3}', '"'],
    ['{"":1,"":2}', ''],
    ['{"a":"}","b":["{","\\\\"],"a":1}', 'a'],
    ['{"a":{"__proto__":1},"a":1}', 'a'],
  ])('is refused when a key is given twice, by name: %s', (text, field) => {
    expect(() => JSON.parse(text) as unknown).not.toThrow();
    expect(parseUntrustedJson(text)).toMatchObject({
      code: 'malformed-body',
      errors: [{ field, message: 'is given more than once' }],
    });
  });

  it.each([
    '{"a":{"a":{"a":1}},"b":{"a":1}}',
    '[{"a":1},{"a":1}]',
    '{"a":"\\":1,\\"a\\":2","b":"a:b"," a":"\\\\"}',
    '{"a\\\\":"\\\\\\"","a":":"}',
    '["a","a",":"]',
    '"a:b"',
  ])('is taken when it only looks so: %s', (text) => {
    expect(parseUntrustedJson(text)).toEqual({ value: JSON.parse(text) as unknown });
  });

  it('is refused when what hides behind a repeated key is too deep to be searched', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(parseUntrustedJson(`{"a":${deep},"a":1}`)).toMatchObject({
      code: 'malformed-body',
      errors: [{ field: '', message: expect.stringMatching(/twice.*deeper/) as string }],
    });
  });

  it.each([
    ['{"a":[1,1e999]}', 'a.1'],
    ['-1e999', ''],
  ])('is refused with a number that is none any more: %s', (text, field) => {
    expect(parseUntrustedJson(text)).toMatchObject({
      errors: [{ field, message: 'is a number that is too large' }],
    });
  });

  it('is refused on one short line, whatever it holds', () => {
    for (const text of ['{"a":1}\n\n\nx', `{"${'k'.repeat(5_000)}":{"__proto__":1}}`]) {
      const refused = parseUntrustedJson(text);
      if (!(refused instanceof Rejection)) throw new Error('it was accepted');
      expect(refused.message).not.toContain('\n');
      expect(refused.message.length).toBeLessThan(500);
    }
  });
});

describe('JSON of any shape', () => {
  it('is taken as JSON.parse takes it', () =>
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 6 }),
        fc.constantFrom(undefined, ' ', '\t'),
        (text, space) => {
          const value = JSON.parse(text) as unknown;
          const spaced = JSON.stringify(value, null, space);
          expect(keysWritten(spaced)).toBe(keysWritten(text));
          expect(repeatedKey(spaced, JSON_DEPTH_MAX)).toBeUndefined();
          const parsed = parseUntrustedJson(spaced);
          if (!(parsed instanceof Rejection)) expect(parsed.value).toEqual(value);
          else expect(parsed.errors[0]?.message).toBe('is a name that cannot be used');
        },
      ),
    ));
});

describe('a value that another parser made', () => {
  it.each([undefined, null, 1, 'a', { a: [1] }])('is taken: %j', (value) => {
    expect(checkUntrusted(value)).toBeUndefined();
  });
});
