import type { Verification } from '@downbeat/projections';
import { verifyReadModel } from './verify-read-model';

describe('a question whether a read model is right', () => {
  const data = { name: 'registry.services', position: 7 } as Verification;
  const asked: unknown[] = [];
  const runner = {
    status: () => [{ name: 'registry.services' }] as never,
    verify: async (...them: unknown[]) => {
      asked.push(them);
      return data;
    },
  };
  const ask = (payload: unknown) => verifyReadModel('registry', runner, payload);
  beforeEach(() => (asked.length = 0));

  it('is answered within the time of who asked', async () => {
    expect(await ask({ name: 'registry.services', timeout_ms: 4_000 })).toEqual({
      ...{ ok: true, position: 7, data },
    });
    expect(asked).toEqual([['registry.services', 4_000]]);
  });

  it('may come from a release that names no time', async () => {
    expect(await ask({ name: 'registry.services' })).toMatchObject({ ok: true });
    expect(asked).toEqual([['registry.services', undefined]]);
  });

  it.each([0, -1, 1.5, 600_001, '4000', null])(
    'is refused with the time %p',
    async (timeout_ms) => {
      expect(await ask({ name: 'registry.services', timeout_ms })).toMatchObject({
        ok: false,
        problem: { code: 'invalid-input', kind: 'invalid', errors: [{ field: 'timeout_ms' }] },
      });
      expect(asked).toEqual([]);
    },
  );

  it.each(['health.services', undefined])('is refused of %p, which is not here', async (name) => {
    expect(await ask({ name })).toMatchObject({ ok: false, problem: { kind: 'not-found' } });
    expect(asked).toEqual([]);
  });
});
