import { contracts } from '@downbeat/contracts';
import { NoAnswer, type MessageBus } from '@downbeat/message-bus';
import { ReadModelVerifier } from './read-model-verifier';

/** The edge waits two minutes for the whole answer; the chain of the log is walked after the read models. */
const EDGE_MS = 120_000;
const CHAIN_MS = 30_000;

describe('verifying read models in the time that the edge waits', () => {
  let now = 0;
  /** When each was asked for, and how long it may take. */
  const asked: { name: string; fromMs: number; timeoutMs: number; buildsMs: number }[] = [];

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
      { name, timeout_ms }: { name: string; timeout_ms: number },
      { timeoutMs }: { timeoutMs: number },
    ) => {
      if (subject.endsWith('.status'))
        return {
          ok: true,
          data: {
            projections: subject.includes('registry') ? names.map((one) => ({ name: one })) : [],
          },
        };
      asked.push({ name, fromMs: now, timeoutMs, buildsMs: timeout_ms });
      now += Math.min(verifyMs, timeoutMs);
      if (verifyMs > timeoutMs) throw new NoAnswer(subject, 'timed-out');
      return { ok: true, data: { name, is_equal: true, position: 1, tables: [], moments: [] } };
    };
    return new ReadModelVerifier({ query } as unknown as MessageBus);
  };

  const expectInTime = () => {
    for (const { fromMs, timeoutMs, buildsMs } of asked) {
      expect(buildsMs).toBeGreaterThan(0);
      // Whoever builds on for nobody takes a place from others; its answer is a while on its way.
      expect(buildsMs).toBeLessThan(timeoutMs);
      expect(fromMs + timeoutMs).toBeLessThanOrEqual(EDGE_MS - CHAIN_MS);
    }
  };

  it('gives the last of all no more than what the others left, and leaves some for the chain', async () => {
    expect(Object.keys(contracts)).toContain('registry');
    const reports = await verifier(29_000).verifyAll();
    expect(reports.map(({ name }) => name)).toEqual(names.toSorted());
    expect(asked).toHaveLength(3);
    expectInTime();
  });

  it.each([45_000, 44_000, 43_000])(
    'says which one there was too little time left for after two times %d ms',
    async (verifyMs) => {
      await expect(verifier(verifyMs).verifyAll()).rejects.toMatchObject({
        code: 'audit/not-verified',
        message: expect.stringContaining('registry.two'),
      });
      expect(asked.map(({ name }) => name)).toEqual(['registry.one', 'registry.three']);
      expectInTime();
    },
  );

  it('says which one was too slow for what the others left', async () => {
    await expect(verifier(40_000).verifyAll()).rejects.toMatchObject({
      code: 'audit/not-verified',
      message: expect.stringContaining('registry.two'),
    });
    expect(asked).toHaveLength(3);
    expectInTime();
  });

  it('says which one was too slow when it is asked for alone', async () => {
    await expect(verifier(100_000).verify('registry.one')).rejects.toMatchObject({
      code: 'audit/not-verified',
      message: expect.stringContaining('registry.one'),
    });
    expectInTime();
  });

  it('leaves some for the chain after a single one', async () => {
    await verifier(1).verify('registry.one');
    expectInTime();
  });
});
