import { Rejection } from '@downbeat/eventsourcing';
import { z } from 'zod';
import { validate } from './validate';

const schema = z.strictObject({
  port: z.number().max(9),
  deep: z.strictObject({ list: z.array(z.string()) }).optional(),
});
const errorsOf = (value: unknown) => {
  const outcome = validate(schema, value);
  return outcome instanceof Rejection ? outcome.errors : [];
};

describe('validation', () => {
  it('gives the value with its defaults', () => {
    expect(validate(z.object({ n: z.number().default(3) }), {})).toEqual({ value: { n: 3 } });
  });

  it('names every wrong field by its path', () => {
    expect(
      errorsOf({ port: 12, deep: { list: ['a', 1], more: true } }).map(({ field }) => field),
    ).toEqual(['port', 'deep.list.1', 'deep.more']);
  });

  it('says of a missing field that it is required, whatever it should have been', () => {
    const wanted = z.strictObject({
      text: z.string(),
      one: z.enum(['a', 'b']),
      either: z.union([z.ipv4(), z.ipv6()]),
      list: z.array(z.string()),
      part: z.strictObject({ n: z.number() }),
    });
    const outcome = validate(wanted, { part: {} });
    expect(outcome).toMatchObject({
      message: 'text is required',
      errors: ['text', 'one', 'either', 'list', 'part.n'].map((field) => ({
        field,
        message: 'is required',
      })),
    });
    expect(validate(wanted, undefined)).toMatchObject({ message: 'the body is required' });
  });

  it('says one thing of a field that is wrong in several ways: its own bounds', () => {
    const limit = z.strictObject({ limit: z.coerce.number().int().max(200) });
    expect(validate(limit, { limit: '99999999999999999999' })).toMatchObject({
      errors: [{ field: 'limit', message: 'too big: expected number to be <=200' }],
    });
  });

  it('says the first one in a sentence', () => {
    expect(validate(schema, { port: 1, colour: 'red' })).toMatchObject({
      message: 'colour is not a known field',
    });
    expect(validate(schema, 7)).toMatchObject({
      message: expect.stringMatching(/^the body /) as string,
    });
  });

  it('tells of no more than anybody reads', () => {
    const keys = Array.from({ length: 5_000 }, (_, n) => [`${'x'.repeat(400)}${n}`, 1]);
    const errors = errorsOf({ port: 1, ...(Object.fromEntries(keys) as object) });
    expect(errors).toHaveLength(20);
    expect(JSON.stringify(errors).length).toBeLessThan(20_000);
  });
});
