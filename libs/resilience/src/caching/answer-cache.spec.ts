import * as fc from 'fast-check';
import { AnswerCache } from './answer-cache';
import type { Invalidation } from './invalidation';
import { sizeOfAnswer } from './answer-size';

const entry = (value: string, ...tags: string[]) => ({
  value,
  freshUntilMs: 1,
  staleUntilMs: 2,
  tags,
});

describe('an answer cache', () => {
  it('holds no more entries and bytes than it may, and the tags of those it holds', () => {
    const sets = fc.array(fc.tuple(fc.nat(20), fc.nat(60), fc.nat(3)), { maxLength: 100 });
    fc.assert(
      fc.property(sets, fc.integer({ min: 1, max: 10 }), (all, entriesMax) => {
        const cache = new AnswerCache<string>({ entriesMax, bytesMax: 200 });
        for (const [key, length, tag] of all) {
          cache.set(`k${key}`, entry('x'.repeat(length), `t${tag}`));
          expect(cache.size).toBeLessThanOrEqual(entriesMax);
          expect(cache.bytes).toBeLessThanOrEqual(200);
        }
        const held = cache.size;
        const gone = [0, 1, 2, 3].map((tag) => cache.invalidate({ tag: `t${tag}` }));
        expect(gone.reduce((sum, one) => sum + one, 0)).toBe(held);
        expect([cache.size, cache.bytes]).toEqual([0, 0]);
      }),
    );
  });

  it('does not go on holding what is replaced by something too large', () => {
    const cache = new AnswerCache<string>({ entriesMax: 2, bytesMax: 100 });
    cache.set('k', entry('small', 't'));
    cache.set('k', entry('x'.repeat(1_000), 't'));
    expect([cache.get('k'), cache.invalidate({ tag: 't' })]).toEqual([undefined, 0]);
  });

  it('does not keep what nobody can tell the size of', () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    expect([circular, { big: 1n }].map(sizeOfAnswer)).toEqual([undefined, undefined]);
    expect(['ab', new Uint8Array(3), { a: 1 }, undefined].map(sizeOfAnswer)).toEqual([4, 3, 14, 8]);
    const cache = new AnswerCache<object>();
    cache.set('k', { ...entry(''), value: circular });
    expect(cache.size).toBe(0);
  });
});

describe('flights', () => {
  type Step =
    | { readonly do: 'ask'; readonly key: number }
    | { readonly do: 'land'; readonly isGood: boolean }
    | { readonly do: 'outdate'; readonly key: number };
  const steps: fc.Arbitrary<readonly Step[]> = fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant('ask' as const), key: fc.nat(3) }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('land' as const), isGood: fc.boolean() }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('outdate' as const), key: fc.nat(3) }) },
    ),
    { maxLength: 80 },
  );

  it('are one for each key that may be joined, and none is kept that was outdated', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const { flights } = new AnswerCache<string>();
        const up: {
          readonly key: string;
          readonly land: (isGood: boolean) => void;
          old: boolean;
        }[] = [];
        const found: string[] = [];
        for (const step of all) {
          if (step.do === 'outdate') {
            const what: Invalidation = { key: `k${step.key}` };
            flights.outdate(what);
            for (const one of up) if (one.key === what.key) one.old = true;
          } else if (step.do === 'land') {
            up.shift()?.land(step.isGood);
            await Promise.resolve();
            await Promise.resolve();
          } else {
            const key = `k${step.key}`;
            if (flights.find(key)) continue;
            if (up.some((one) => one.key === key && !one.old)) found.push(`two fly for ${key}`);
            const one = { key, land: (_: boolean): void => undefined, old: false };
            up.push(one);
            const fly = () =>
              new Promise<string>((resolve, reject) => {
                one.land = (isGood) => (isGood ? resolve('') : reject(new Error('failed')));
              });
            const { landing } = flights.begin(key, [], fly, ({ isOutdated }) => {
              if (isOutdated !== one.old)
                found.push(`${key} is ${isOutdated ? '' : 'not '}outdated`);
            });
            landing.catch(() => undefined);
          }
        }
        expect(found).toEqual([]);
      }),
    );
  });

  it('beyond their number are nobody else’s', () => {
    const { flights } = new AnswerCache<string>({ entriesMax: 1, bytesMax: 100 });
    for (const key of ['a', 'b'])
      flights.begin(
        key,
        [],
        () => new Promise(() => undefined),
        () => undefined,
      );
    expect([flights.find('a') !== undefined, flights.find('b'), flights.size]).toEqual([
      true,
      undefined,
      1,
    ]);
  });
});
