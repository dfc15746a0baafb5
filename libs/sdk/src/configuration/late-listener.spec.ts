import { type ConfigurationOptions } from './configuration';
import type { ConfigurationFollower } from './configuration-follower';
import type { HeldConfiguration } from './held-configuration';
import { followed, PlayedRegistry, type Schema } from './testing/played-registry';

const SECONDS = 1_000;

describe('the configuration of a service', () => {
  let registry: PlayedRegistry;
  let held: HeldConfiguration<Schema>;
  let follower: ConfigurationFollower;

  const begun = async (options: ConfigurationOptions<Schema> = {}) => {
    ({ held, follower } = followed(registry, options));
    await jest.advanceTimersByTimeAsync(0);
  };
  const told = async () => {
    registry.tell();
    await jest.advanceTimersByTimeAsync(100);
  };
  const outcomes = () => registry.said.map(({ checksum, outcome }) => `${outcome} ${checksum}`);

  beforeEach(() => {
    jest.useFakeTimers();
    registry = new PlayedRegistry();
  });
  afterEach(async () => {
    const stopping = follower.stop();
    await jest.advanceTimersByTimeAsync(1 * SECONDS);
    await stopping;
    jest.useRealTimers();
  });

  describe('whose listener is late', () => {
    type Change = Parameters<NonNullable<ConfigurationOptions<Schema>['onChange']>>;
    let pool: number;
    let calls: (number | undefined)[][];
    let atOnce: number;
    let end: () => void;
    const signals: AbortSignal[] = [];

    /** A listener whose call with a pool of 6 lasts until it is ended. */
    const listening = async (fails = false) => {
      [pool, calls, atOnce] = [0, [], 0];
      const ended = new Promise<void>((resolve) => (end = resolve));
      let under = 0;
      const onChange = async (...[next, before, signal]: Change) => {
        calls.push([next.pool, before?.pool]);
        signals.push(signal);
        atOnce = Math.max(atOnce, ++under);
        if (next.pool === 6) await ended;
        under--;
        if (next.pool === 6 && fails) throw new Error('half done');
        pool = next.pool;
      };
      registry.activate('A', { pool: 5 });
      await begun({ applyMs: 2 * SECONDS, onChange });
      registry.activate('B', { pool: 6 });
      await told();
      await jest.advanceTimersByTimeAsync(2 * SECONDS);
    };
    const over = async () => {
      end();
      await jest.advanceTimersByTimeAsync(0);
    };

    it('is told so, and goes back when it ends', async () => {
      await listening();
      expect(outcomes()).toEqual(['applied sum of A', 'refused sum of B']);
      expect(signals.at(-1)?.aborted).toBe(true);
      await over();
      expect(calls).toEqual([
        [5, undefined],
        [6, 5],
        [5, 6],
      ]);
      expect([pool, held.current.pool]).toEqual([5, 5]);
    });

    it('is not said to have the one before until it has gone back to it', async () => {
      await listening();
      registry.activate('A', { pool: 5 });
      await told();
      await jest.advanceTimersByTimeAsync(2 * SECONDS);
      expect(outcomes().slice(1)).toEqual(['refused sum of B', 'refused sum of A']);
      await over();
      await jest.advanceTimersByTimeAsync(40 * SECONDS);
      expect(outcomes().at(-1)).toBe('applied sum of A');
      expect([pool, held.current.pool, atOnce]).toEqual([5, 5, 1]);
      expect(held.status().refused).toBeUndefined();
    });

    it('is called with no other meanwhile, and with the next one after it', async () => {
      await listening();
      registry.activate('C', { pool: 7 });
      await told();
      expect(calls).toHaveLength(2);
      await over();
      expect(calls.slice(2)).toEqual([
        [5, 6],
        [7, 5],
      ]);
      expect([pool, held.current.pool, atOnce]).toEqual([7, 7, 1]);
      expect(outcomes().at(-1)).toBe('applied sum of C');
    });

    it('is asked again when it has failed and the one before comes back', async () => {
      await listening(true);
      await over();
      registry.activate('A', { pool: 5 });
      await told();
      expect(calls.slice(1)).toEqual([
        [6, 5],
        [5, 5],
      ]);
      expect(outcomes().at(-1)).toBe('applied sum of A');
    });

    it('does not go back when the service has stopped', async () => {
      await listening();
      const stopping = follower.stop();
      await jest.advanceTimersByTimeAsync(1 * SECONDS);
      await stopping;
      await over();
      expect(calls).toHaveLength(2);
    });
  });
});
