import type { ContextPool } from '@downbeat/service-host';
import { Replicas } from './replicas';

/** One replica whose questions to the database take as long as the test wants. */
function alone() {
  let delayMs = 0;
  const pool = {
    query: () =>
      new Promise((resolve) =>
        setTimeout(() => resolve({ rows: [] }), delayMs),
      ) as Promise<unknown>,
  };
  const replicas = new Replicas(pool as unknown as ContextPool);
  let told = 0;
  replicas.start(() => told++);
  const slow = (ms: number) => (delayMs = ms);
  return { replicas, slow, told: () => told };
}

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

describe('the share of a replica', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('is told once while it stays as it is', async () => {
    const { replicas, told } = alone();
    await pass(5_000);
    expect([replicas.owns('a'), told()]).toEqual([true, 1]);
  });

  it('is told again to whoever asked while it was in doubt, though it is the same', async () => {
    const { replicas, slow, told } = alone();
    await pass(1_000);
    slow(2_300);
    await pass(2_100);
    expect([replicas.owns('a'), told()]).toEqual([false, 1]);
    await pass(300);
    slow(0);
    expect([replicas.owns('a'), told()]).toEqual([true, 2]);
    await pass(5_000);
    expect(told()).toBe(2);
  });
});
