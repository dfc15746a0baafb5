import { contracts } from '@downbeat/contracts';
import type { MessageBus } from '@downbeat/message-bus';
import { ReadModelVerifier } from './read-model-verifier';

/** The edge waits two minutes for the whole answer; the chain of the log is walked after the read models. */
const EDGE_MS = 120_000;
const CHAIN_MS = 30_000;

describe('verifying read models in the time that the edge waits', () => {
  let now = 0;
  /** When each was asked for, and how long it may take. */
  const asked: { name: string; fromMs: number; timeoutMs: number }[] = [];

  beforeEach(() => {
    now = 0;
    asked.length = 0;
    jest.spyOn(Date, 'now').mockImplementation(() => now);
  });
  afterEach(() => jest.restoreAllMocks());

  const names = ['one', 'two', 'three'].map((model) => `registry.${model}`);
  const verifier = (verifyMs: number) => {
    const query = async (
      subject: string,
      { name }: { name: string },
      { timeoutMs }: { timeoutMs: number },
    ) => {
      if (subject.endsWith('.status'))
        return {
          ok: true,
          data: {
            projections: subject.includes('registry') ? names.map((one) => ({ name: one })) : [],
          },
        };
      asked.push({ name, fromMs: now, timeoutMs });
      now += verifyMs;
      return { ok: true, data: { name, is_equal: true, position: 1, tables: [], moments: [] } };
    };
    return new ReadModelVerifier({ query } as unknown as MessageBus);
  };

  const expectInTime = () => {
    for (const { fromMs, timeoutMs } of asked) {
      expect(timeoutMs).toBeGreaterThan(0);
      expect(fromMs + timeoutMs).toBeLessThanOrEqual(EDGE_MS - CHAIN_MS);
    }
  };

  it('gives the last of all no more than what the others left, and leaves some for the chain', async () => {
    expect(Object.keys(contracts)).toContain('registry');
    const reports = await verifier(40_000).verifyAll();
    expect(reports.map(({ name }) => name)).toEqual(names.toSorted());
    expect(asked).toHaveLength(3);
    expectInTime();
  });

  it('says which one there was no time left for', async () => {
    await expect(verifier(45_000).verifyAll()).rejects.toMatchObject({
      code: 'audit/not-verified',
      message: expect.stringContaining('registry.two'),
    });
    expect(asked.map(({ name }) => name)).toEqual(['registry.one', 'registry.three']);
    expectInTime();
  });

  it('leaves some for the chain after a single one', async () => {
    await verifier(1).verify('registry.one');
    expectInTime();
  });
});
