import { Logger } from '@nestjs/common';
import { Storm } from '../testing/storm';
import { faultsOf } from '../testing/verdict';

/** More of them, or others, by hand: `DOWNBEAT_SIMULATIONS=2000 DOWNBEAT_SIMULATION_SEED=1000`. */
const SEEDS = Number(process.env['DOWNBEAT_SIMULATIONS'] ?? 40);
const FIRST_SEED = Number(process.env['DOWNBEAT_SIMULATION_SEED'] ?? 1);

jest.setTimeout(30_000 + SEEDS * 500);

beforeAll(() => Logger.overrideLogger(false));
beforeEach(() => jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] }));
afterEach(() => jest.useRealTimers());

const seeds = Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index);

it('runs on several replicas in bad weather end in exactly one way', async () => {
  for (const seed of seeds) {
    const storm = new Storm(seed, (ms) => jest.advanceTimersByTimeAsync(ms));
    await storm.rage();
    const { bench, runs } = storm;
    const faults = Object.fromEntries(
      runs.map((id) => [id, faultsOf(bench, id)] as const).filter(([, all]) => all.length > 0),
    );
    expect({ seed, faults, wrongs: bench.services.wrongs }).toEqual({
      seed,
      faults: {},
      wrongs: [],
    });
  }
});
