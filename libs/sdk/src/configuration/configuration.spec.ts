import { inspect } from 'node:util';
import { ConfigurationMissing, type ConfigurationOptions } from './configuration';
import type { ConfigurationFollower } from './configuration-follower';
import { HeldConfiguration } from './held-configuration';
import { Secret } from './secret';
import { followed, PlayedRegistry, type Schema, schema } from './testing/played-registry';

const SECONDS = 1_000;

describe('the configuration of a service', () => {
  let registry: PlayedRegistry;
  let held: HeldConfiguration<Schema>;
  let follower: ConfigurationFollower;
  let events: unknown[];

  const begun = async (options: ConfigurationOptions<Schema> = {}) => {
    ({ held, follower, events } = followed(registry, options));
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

  it('is asked for, frozen, acknowledged, and replaced as a whole', async () => {
    registry.activate('1', { pool: 5 });
    await begun();
    const first = held.current;
    expect(first).toEqual({ pool: 5 });
    expect(Object.isFrozen(first)).toBe(true);
    registry.activate('2', { pool: 6 });
    await told();
    expect([first, held.current]).toEqual([{ pool: 5 }, { pool: 6 }]);
    expect(outcomes()).toEqual(['applied sum of 1', 'applied sum of 2']);
    expect(registry.asked.at(-1)).toMatchObject({ checksum: 'sum of 1', min_position: 2 });
    expect(held.status()).toMatchObject({ source: 'registry', config_version: '2' });
  });

  it('is shown to the listener before anybody uses it', async () => {
    const heard: unknown[] = [];
    registry.activate('1', { pool: 5 });
    await begun({
      onChange: (next, before) => void heard.push([next, before, held.status().source]),
    });
    registry.activate('2', { pool: 6 });
    await told();
    expect(heard).toEqual([
      [{ pool: 5 }, undefined, 'nowhere'],
      [{ pool: 6 }, { pool: 5 }, 'registry'],
    ]);
  });

  it('stays as it was when the schema refuses the next one, which is said', async () => {
    registry.activate('1', { pool: 5 });
    await begun();
    registry.activate('2', { pool: 'many' });
    await told();
    expect(held.current).toEqual({ pool: 5 });
    expect(registry.said.at(-1)).toMatchObject({
      ...{ outcome: 'refused', checksum: 'sum of 2' },
      reason: expect.stringContaining('configuration.pool'),
    });
    expect(held.status()).toMatchObject({ config_version: '1', refused: { config_version: '2' } });
    expect(events.at(-1)).toMatchObject({ type: 'configuration-refused', config_version: '2' });
    // Asked with the refused one's checksum, it is not sent again.
    await told();
    expect(registry.asked.at(-1)).toMatchObject({ checksum: 'sum of 2' });
    expect(registry.said).toHaveLength(2);
  });

  it('stays as it was when a listener throws or never ends, and repeats no secret', async () => {
    const canary = 'canary-77';
    registry.activate('1', { pool: 5 });
    await begun({
      applyMs: 2 * SECONDS,
      onChange: ({ pool, password }) => {
        if (pool === 6) throw new Error(`no connection to db:${password?.reveal()}@host`);
        if (pool === 7) return new Promise(() => undefined);
        return undefined;
      },
    });
    registry.activate('2', { pool: 6, password: canary }, ['/password']);
    await told();
    expect(registry.said.at(-1)).toMatchObject({ reason: expect.stringMatching(/^Error \(/) });
    expect(events.at(-1)).toMatchObject({ reason: 'no connection to db:***@host' });
    expect(held.status().refused?.reason).toMatch(/^Error \(/);
    registry.activate('3', { pool: 7 });
    await told();
    await jest.advanceTimersByTimeAsync(2 * SECONDS);
    expect(registry.said.at(-1)).toMatchObject({ reason: 'it was not agreed to within 2000 ms' });
    expect(held.current).toEqual({ pool: 5 });
    expect(JSON.stringify([events, registry.said])).not.toContain(canary);
  });

  it('repeats no secret of the one before, nor of the one that holds without any', async () => {
    await begun({
      otherwise: { pool: 1, password: 'canary-01' },
      onChange: (_, before) => {
        const password = before?.password?.reveal();
        if (password) throw new Error(`still ${password.split('').reverse().join('')}`);
      },
    });
    registry.activate('1', { pool: 5 });
    await told();
    expect(registry.said.at(-1)?.reason).toMatch(/^Error \(/);
    expect(events.at(-1)).toMatchObject({ reason: 'still 10-yranac' });
  });

  it('shows no secret of what it keeps', async () => {
    await begun({ otherwise: { pool: 1, password: new Secret('canary-01') } });
    registry.activate('1', { pool: 5, password: 'canary-02' }, ['/password']);
    await told();
    const shown = inspect(held, { depth: 5 });
    expect(shown).toContain('Secret(***)');
    expect(shown).not.toContain('canary');
  });

  it('is refused by whatever is thrown', async () => {
    await begun({
      onChange: () => {
        throw Object.create(null);
      },
    });
    registry.activate('1', { pool: 5 });
    await told();
    expect(outcomes()).toEqual(['refused sum of 1']);
    expect(events.at(-1)).toMatchObject({ type: 'configuration-refused' });
  });

  it('is acknowledged again when it is back after one that was refused', async () => {
    registry.activate('1', { pool: 5 });
    await begun();
    const first = held.current;
    registry.activate('2', { pool: 'many' });
    await told();
    registry.activate('1', { pool: 5 });
    await told();
    expect(outcomes()).toEqual(['applied sum of 1', 'refused sum of 2', 'applied sum of 1']);
    expect(held.current).toBe(first);
    expect(held.status().refused).toBeUndefined();
  });

  it('is tried again when what was refused is put in force again', async () => {
    let isReady = false;
    registry.activate('1', { pool: 5 });
    await begun({
      onChange: () => {
        if (!isReady) throw new Error('not yet');
      },
    });
    expect(outcomes()).toEqual(['refused sum of 1']);
    isReady = true;
    await told();
    expect(outcomes()).toEqual(['refused sum of 1']);
    registry.activate('1', { pool: 5 });
    await told();
    expect(outcomes()).toEqual(['refused sum of 1', 'applied sum of 1']);
  });

  it('is not listened to any more when the service has stopped, nor refused for that', async () => {
    const heard: number[] = [];
    let give: (value: string) => void = () => undefined;
    registry.activate('1', { pool: 5, password: { $secret: { ref: 'vault:a' } } });
    await begun({
      lookUp: () => new Promise((resolve) => (give = resolve)),
      onChange: ({ pool }) => void heard.push(pool),
    });
    const stopping = follower.stop();
    await jest.advanceTimersByTimeAsync(1 * SECONDS);
    await stopping;
    give('p');
    await jest.advanceTimersByTimeAsync(20 * SECONDS);
    expect([heard, registry.said, events]).toEqual([[], [], []]);
  });

  describe('whose first one was taken back', () => {
    const otherwise = { pool: 1 };
    const takenBack = () => {
      registry.takeBack();
      return told();
    };

    it('is what holds otherwise, by the listener, and the registry is told', async () => {
      const heard: unknown[] = [];
      registry.activate('1', { pool: 50 });
      await begun({ otherwise, onChange: (next, before) => void heard.push([next, before]) });
      await takenBack();
      expect(held.current).toEqual({ pool: 1 });
      expect(heard.at(-1)).toEqual([{ pool: 1 }, { pool: 50 }]);
      expect(outcomes()).toEqual(['applied sum of 1', 'released sum of 1']);
      expect(held.status()).toMatchObject({ source: 'otherwise' });
      expect(events.at(-1)).toMatchObject({ type: 'configuration-released', config_version: '1' });
      // Once, and everything is sent again should the same come back.
      await told();
      expect(heard).toHaveLength(2);
      registry.activate('1', { pool: 50 });
      await told();
      expect(registry.asked.at(-1)).not.toHaveProperty('checksum');
      expect(held.current).toEqual({ pool: 50 });
      expect(outcomes()).toEqual(
        ['applied', 'released', 'applied'].map((one) => `${one} sum of 1`),
      );
    });

    it('tells the registry until it has heard it, and again when it has forgotten the instance', async () => {
      registry.activate('1', { pool: 50 });
      await begun({ otherwise });
      const acknowledge = registry.acknowledge.bind(registry);
      registry.acknowledge = () => Promise.reject(new Error('lost'));
      await takenBack();
      registry.acknowledge = acknowledge;
      await jest.advanceTimersByTimeAsync(1 * SECONDS);
      expect(outcomes()).toEqual(['applied sum of 1', 'released sum of 1']);
      follower.registered('billing-1');
      await jest.advanceTimersByTimeAsync(0);
      expect(outcomes().at(-1)).toBe('released sum of 1');
      expect(outcomes()).toHaveLength(3);
    });

    it('stays while the listener does not go back, which is asked again', async () => {
      let isReady = false;
      registry.activate('1', { pool: 50 });
      await begun({
        otherwise,
        onChange: ({ pool }) => {
          if (pool === 1 && !isReady) throw new Error('not yet');
        },
      });
      await takenBack();
      expect(held.current).toEqual({ pool: 50 });
      expect(outcomes()).toEqual(['applied sum of 1']);
      expect(events.at(-1)).toMatchObject({ type: 'configuration-kept', reason: 'not yet' });
      isReady = true;
      await jest.advanceTimersByTimeAsync(40 * SECONDS);
      expect(held.current).toEqual({ pool: 1 });
      expect(outcomes().at(-1)).toBe('released sum of 1');
    });

    it('is listened to anew when it comes back to who did not quite let it go', async () => {
      const heard: number[] = [];
      registry.activate('1', { pool: 50 });
      await begun({
        otherwise,
        onChange: ({ pool }) => {
          heard.push(pool);
          if (pool === 1) throw new Error('half done');
        },
      });
      await takenBack();
      registry.activate('1', { pool: 50 });
      await told();
      expect(heard).toEqual([50, 1, 50]);
      expect(registry.said.at(-1)).toMatchObject({ outcome: 'applied', activation: 2 });
    });

    it('stays where there is nothing else', async () => {
      registry.activate('1', { pool: 50 });
      await begun();
      await takenBack();
      expect(held.current).toEqual({ pool: 50 });
      expect(outcomes()).toEqual(['applied sum of 1']);
    });

    it('says no more that it refused it', async () => {
      registry.activate('1', { pool: 'many' });
      await begun({ otherwise });
      expect(held.status()).toHaveProperty('refused');
      await takenBack();
      expect(held.status()).not.toHaveProperty('refused');
      expect(outcomes()).toEqual(['refused sum of 1']);
    });
  });

  describe('that the log of the registry knows nothing of, since it was restored from before', () => {
    const heard: unknown[] = [];
    const otherwise = { pool: 1 };
    const running = async (options: ConfigurationOptions<Schema> = {}) => {
      registry.activate('1', { pool: 50 });
      await begun({ otherwise, onChange: ({ pool }) => void heard.push(pool), ...options });
    };
    const restored = (before: number) => {
      registry.restoreBefore(before);
      return told();
    };
    const forgotten = () =>
      events.filter((event) => (event as { type: string }).type === 'configuration-forgotten');
    beforeEach(() => (heard.length = 0));

    it('stays, is told of once, and is acknowledged again to a registry that forgot the instance', async () => {
      await running();
      await restored(1);
      await told();
      follower.registered('billing-1');
      await jest.advanceTimersByTimeAsync(0);
      expect([heard, held.current]).toEqual([[50], { pool: 50 }]);
      expect(held.status()).toMatchObject({ source: 'registry', config_version: '1' });
      expect(outcomes()).toEqual(['applied sum of 1', 'applied sum of 1']);
      expect(forgotten()).toEqual([
        { type: 'configuration-forgotten', config_version: '1', checksum: 'sum of 1' },
      ]);
    });

    it('stays until another one is in force, and is told of anew after that', async () => {
      await running();
      await restored(1);
      registry.activate('2', { pool: 60 });
      await told();
      expect(held.current).toEqual({ pool: 60 });
      await restored(1);
      expect([heard, held.current]).toEqual([[50, 60], { pool: 60 }]);
      expect(forgotten()).toHaveLength(2);
    });

    it('stays although it was taken back once, when it was put in force again after that', async () => {
      await running();
      registry.takeBack();
      await told();
      registry.activate('1', { pool: 50 });
      await told();
      await restored(2);
      expect([heard, held.current]).toEqual([[50, 1, 50], { pool: 50 }]);
      expect(forgotten()).toHaveLength(1);
    });

    it('stays when what it refused meanwhile is taken back', async () => {
      await running();
      await restored(1);
      registry.activate('2', { pool: 'many' });
      await told();
      registry.takeBack();
      await told();
      expect([heard, held.current]).toEqual([[50], { pool: 50 }]);
      expect(held.status()).not.toHaveProperty('refused');
    });

    it('stays when it is asked for as a whole, since it may run by halves', async () => {
      let isWilling = true;
      const onChange = ({ pool }: { pool: number }): Promise<void> | undefined => {
        heard.push(pool);
        return isWilling ? undefined : new Promise(() => undefined);
      };
      await running({ onChange, applyMs: 1 * SECONDS });
      isWilling = false;
      registry.activate('2', { pool: 60 });
      await told();
      await jest.advanceTimersByTimeAsync(1 * SECONDS);
      registry.activate('1', { pool: 50 });
      await told();
      await jest.advanceTimersByTimeAsync(1 * SECONDS);
      await restored(1);
      await jest.advanceTimersByTimeAsync(1 * SECONDS);
      expect(heard).not.toContain(1);
      expect(held.current).toEqual({ pool: 50 });
      expect(forgotten()).toHaveLength(1);
    });

    it('gives way to what holds otherwise before a registry that does not tell the one from the other', async () => {
      registry.isOld = true;
      await running();
      await restored(1);
      expect(held.current).toEqual(otherwise);
      expect(outcomes()).toEqual(['applied sum of 1', 'released sum of 1']);
    });
  });

  it('is waited for once, however often it is asked for', async () => {
    registry.isReachable = false;
    await begun({ otherwise: { pool: 1 }, waitMs: 3 * SECONDS });
    const asked = [held.known(), held.known()];
    await jest.advanceTimersByTimeAsync(3 * SECONDS);
    expect(await Promise.all(asked)).toEqual([{ pool: 1 }, { pool: 1 }]);
    // Nothing moves the clock: whoever waits anew waits for ever.
    expect(await held.known()).toEqual({ pool: 1 });
  });

  it('is acknowledged with the activation that was judged', async () => {
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    registry.activate('1', { pool: 5 });
    await begun({
      onChange: async () => {
        await ended;
        throw new Error('no');
      },
    });
    registry.activate('2', { pool: 6 });
    registry.activate('1', { pool: 5 });
    end();
    await told();
    expect(registry.said.map(({ activation }) => activation)).toEqual([1, 3]);
  });

  it('is asked for now and then, since news get lost', async () => {
    registry.activate('1', { pool: 5 });
    await begun();
    registry.activate('2', { pool: 6 });
    await jest.advanceTimersByTimeAsync(40 * SECONDS);
    expect(held.current).toEqual({ pool: 6 });
    expect(registry.asked.length).toBeLessThanOrEqual(3);
  });

  it('is kept while nobody answers, says how old it is, and is asked for ever less often', async () => {
    registry.activate('1', { pool: 5 });
    await begun();
    registry.isReachable = false;
    await jest.advanceTimersByTimeAsync(600 * SECONDS);
    expect(held.current).toEqual({ pool: 5 });
    expect(held.status().age_ms).toBeGreaterThanOrEqual(600 * SECONDS);
    expect(registry.asked.length).toBeLessThan(140);
    registry.isReachable = true;
    registry.activate('2', { pool: 6 });
    registry.returned();
    await jest.advanceTimersByTimeAsync(1 * SECONDS);
    expect(held.current).toEqual({ pool: 6 });
    expect(held.status().age_ms).toBeLessThanOrEqual(1 * SECONDS);
  });

  it('is acknowledged until the registry has heard it, and again when it has forgotten the instance', async () => {
    registry.activate('1', { pool: 5 });
    const acknowledge = registry.acknowledge.bind(registry);
    registry.acknowledge = () => Promise.reject(new Error('lost'));
    await begun();
    expect(held.current).toEqual({ pool: 5 });
    registry.acknowledge = acknowledge;
    await jest.advanceTimersByTimeAsync(1 * SECONDS);
    expect(outcomes()).toEqual(['applied sum of 1']);
    follower.registered('billing-1');
    await jest.advanceTimersByTimeAsync(0);
    expect(outcomes()).toEqual(['applied sum of 1', 'applied sum of 1']);
  });

  it('does not wait for ever for a position that never comes', async () => {
    registry.activate('1', { pool: 5 });
    await begun();
    registry.activate('2', { pool: 6 });
    registry.tell(1_000_000);
    await jest.advanceTimersByTimeAsync(30 * SECONDS);
    expect(held.current).toEqual({ pool: 6 });
  });

  it('asks once for many news', async () => {
    registry.activate('1', { pool: 5 });
    await begun();
    for (let news = 0; news < 1_000; news++) registry.tell();
    await jest.advanceTimersByTimeAsync(200);
    expect(registry.asked.length).toBeLessThanOrEqual(3);
  });

  it('is waited for at the start, and missed with the reason after that', async () => {
    registry.isReachable = false;
    await begun({ waitMs: 3 * SECONDS });
    expect(() => held.current).toThrow(ConfigurationMissing);
    const missed = expect(held.known()).rejects.toThrow('nobody answers');
    await jest.advanceTimersByTimeAsync(3 * SECONDS);
    await missed;
    registry.isReachable = true;
    registry.activate('1', { pool: 5 });
    // At most so long after the last failure, whatever the jitter was.
    await jest.advanceTimersByTimeAsync(10 * SECONDS);
    expect(await held.known()).toEqual({ pool: 5 });
  });

  it('has something else to go on with until then', async () => {
    registry.isReachable = false;
    await begun({ otherwise: { pool: 1, password: 'p' }, waitMs: 1 * SECONDS });
    const known = held.known();
    await jest.advanceTimersByTimeAsync(1 * SECONDS);
    expect(await known).toMatchObject({ pool: 1 });
    expect(held.status()).toMatchObject({ source: 'otherwise', age_ms: -1 });
    expect(() => new HeldConfiguration(schema, { otherwise: { pool: 'x' } as never })).toThrow();
  });

  it('is asked for no more when the service has stopped', async () => {
    registry.activate('1', { pool: 5 });
    await begun();
    const { listener, returned } = registry;
    await follower.stop();
    expect([registry.listener === listener, registry.returned === returned]).toEqual([
      false,
      false,
    ]);
    const count = registry.asked.length;
    registry.tell();
    registry.returned();
    await jest.advanceTimersByTimeAsync(120 * SECONDS);
    expect(registry.asked).toHaveLength(count);
  });
});
