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
