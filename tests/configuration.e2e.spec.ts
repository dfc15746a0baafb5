import { DownbeatService, type Configuration, type ServiceEvent } from '@downbeat/sdk';
import { eventually } from '@downbeat/test-bench';
import { z } from 'zod';
import { Suite } from './support/suite';

jest.setTimeout(180_000);

const INSTANCES = 50;
const ROUNDS = 5;

const settings = z.object({ pool: z.number().int(), isBroken: z.boolean().default(false) });
type Settings = z.output<typeof settings>;

interface Instance {
  readonly service: DownbeatService;
  readonly configuration: Configuration<Settings>;
}
interface Activation {
  readonly config_version: string;
  readonly status: string;
  readonly cause: string;
  readonly because?: string;
  readonly evidence?: { readonly refusals: readonly { readonly reason?: string }[] };
}
interface Runners {
  readonly config_version: string;
  readonly total_count: number;
  readonly current_count: number;
  readonly refused_count: number;
  readonly instances: readonly { readonly outcome: string; readonly reason?: string }[];
}

describe('the configuration of services that use the SDK', () => {
  let suite: Suite;
  const running: DownbeatService[] = [];

  beforeAll(async () => {
    suite = await Suite.start({ demo: false });
  });
  afterAll(async () => {
    await Promise.all(running.map((service) => service.stop()));
    await suite?.stop();
  });

  const started = async (
    service_name: string,
    more: {
      readonly isHealthy?: (now: Settings | undefined) => boolean;
      readonly onChange?: (next: Settings) => void;
      readonly onEvent?: (event: ServiceEvent) => void;
      readonly health_check?: object;
      readonly otherwise?: Settings;
    } = {},
  ): Promise<Instance> => {
    const { isHealthy = () => true, onChange, onEvent, health_check, otherwise } = more;
    let now: Settings | undefined;
    const service = new DownbeatService({
      gatewayUrl: suite.gatewayUrl,
      natsUrl: suite.natsUrl,
      service: { service_name, service_version: '1.0.0', ...(health_check && { health_check }) },
      isHealthy: () => isHealthy(now),
      ...(onEvent && { onEvent }),
    });
    running.push(service);
    const configuration = service.configuration(settings, {
      askEveryMs: 3_000,
      ...(otherwise && { otherwise }),
      onChange: (next) => {
        onChange?.(next);
        now = next;
      },
    });
    await service.start();
    await service.registered;
    return { service, configuration };
  };

  const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const answer = await suite.request('POST', path, body);
    if (answer.status !== 202) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const create = async (service: string, configuration: object, config_version: string) =>
    post(`/services/${service}/configurations`, {
      ...{ environment: 'development', configuration, config_version },
    });
  const activate = (service: string, version: string, body: object = {}) =>
    post(`/services/${service}/configurations/development/versions/${version}/activate`, body);
  const runners = (service: string) =>
    suite.get<Runners>(`/services/${service}/configurations/development/instances?limit=200`);
  const activations = async (service: string) =>
    (
      await suite.get<{ activations: readonly Activation[] }>(
        `/services/${service}/configurations/development/activations`,
      )
    ).activations;
  const isReverted = (seen: readonly Activation[]): void =>
    expect(seen.slice(0, 2)).toMatchObject([{ cause: 'revert' }, { status: 'reverted' }]);
  const allRun = (service: string, version: string, count: number, withinMs = 30_000) =>
    eventually(
      () => runners(service),
      (seen) =>
        expect(seen).toMatchObject({
          ...{ config_version: version, total_count: count, current_count: count },
          refused_count: 0,
        }),
      withinMs,
    );

  describe('with fifty instances', () => {
    const instances: Instance[] = [];
    const pools = () => new Set(instances.map(({ configuration }) => configuration.current.pool));
    const haveAll = (pool: number, withinMs?: number) =>
      eventually(pools, (seen) => expect([...seen]).toEqual([pool]), withinMs);

    beforeAll(async () => {
      // One process; each has a connection to NATS and a port of its own.
      const first = await started('billing');
      instances.push(first);
      await create('billing', { pool: 0 }, 'first');
      await activate('billing', 'first');
      for (let more = 1; more < INSTANCES; more += 7)
        instances.push(
          ...(await Promise.all(
            Array.from({ length: Math.min(7, INSTANCES - more) }, () => started('billing')),
          )),
        );
      await Promise.all(instances.map(({ configuration }) => configuration.known()));
    });

    it('reaches all of them within a second, and the view shows who runs what', async () => {
      await allRun('billing', 'first', INSTANCES);
      const tookMs: number[] = [];
      for (let round = 1; round <= ROUNDS; round++) {
        await create('billing', { pool: round }, `v${round}`);
        const began = performance.now();
        await activate('billing', `v${round}`);
        await haveAll(round);
        tookMs.push(Math.round(performance.now() - began));
        await allRun('billing', `v${round}`, INSTANCES);
      }
      // From before it was put in force to the last of all of them; a busy machine spoils most rounds, not four.
      expect(tookMs.sort((one, other) => one - other)[1]).toBeLessThan(1_000);
    });

    it('that they refuse is taken back by itself, and the view says why', async () => {
      await create('billing', { pool: 'many' }, 'bad');
      await activate('billing', 'bad', { gate: { observe_seconds: 600 } });
      const [now, before] = await eventually(() => activations('billing'), isReverted);
      expect(now).toMatchObject({ config_version: `v${ROUNDS}` });
      expect(before).toMatchObject({
        config_version: 'bad',
        because: expect.stringContaining('refused'),
      });
      expect(before?.evidence?.refusals[0]?.reason).toContain('configuration.pool');
      expect([...pools()]).toEqual([ROUNDS]);
      await allRun('billing', `v${ROUNDS}`, INSTANCES);
    });

    it('comes through a registry that is killed, and through a restart of NATS', async () => {
      await create('billing', { pool: 11 }, 'v11');
      await activate('billing', 'v11');
      await suite.app('registry').stop('SIGKILL');
      for (const { configuration } of instances) expect(configuration.current.pool).toBeDefined();
      await suite.app('registry').start();
      await haveAll(11, 30_000);
      await create('billing', { pool: 12 }, 'v12');
      await activate('billing', 'v12');
      await suite.crashNats();
      await haveAll(12, 30_000);
      // It can be some time until all connections stand for their instances again.
      await allRun('billing', 'v12', INSTANCES, 60_000);
      const ages = instances.map(({ configuration }) => configuration.status().age_ms);
      expect(Math.max(...ages)).toBeLessThan(60_000);
    });
  });

  it('that makes them unhealthy is taken back by itself, and the view says why', async () => {
    const health_check = {
      ...{ interval_ms: 200, timeout_ms: 1_000, failure_threshold: 2, success_threshold: 1 },
    };
    const isHealthy = (now: Settings | undefined) => now?.isBroken !== true;
    const fragile: Instance[] = [];
    for (let count = 0; count < 3; count++)
      fragile.push(await started('fragile', { isHealthy, health_check }));
    await create('fragile', { pool: 1 }, 'good');
    await activate('fragile', 'good');
    await allRun('fragile', 'good', 3);
    await eventually(
      () => suite.get<{ instances: { status: string }[] }>('/services/fragile/instances'),
      ({ instances }) =>
        expect(instances.map(({ status }) => status)).toEqual(['healthy', 'healthy', 'healthy']),
      30_000,
    );
    await create('fragile', { pool: 1, isBroken: true }, 'broken');
    await activate('fragile', 'broken', { gate: { observe_seconds: 600 } });
    const [, before] = await eventually(() => activations('fragile'), isReverted, 30_000);
    expect(before?.because).toContain('unhealthy');
    await eventually(
      () => fragile.map(({ configuration }) => configuration.current.isBroken),
      (seen) => expect(seen).toEqual([false, false, false]),
    );
    await allRun('fragile', 'good', 3);
  });

  it('that was the first and is taken back leaves instances with what they have by themselves', async () => {
    const otherwise = { pool: 1, isBroken: false };
    const pools: number[] = [];
    const willing = await started('newcomer', {
      otherwise,
      onChange: ({ pool }) => void pools.push(pool),
    });
    await create('newcomer', { pool: 50 }, 'first');
    await activate('newcomer', 'first', { gate: { observe_seconds: 600 } });
    await eventually(
      () => runners('newcomer'),
      ({ instances }) => expect(instances).toMatchObject([{ outcome: 'applied' }]),
      30_000,
    );
    await started('newcomer', {
      otherwise,
      onChange: () => {
        throw new Error('fifty are too many');
      },
    });
    const seen = await eventually(
      () => runners('newcomer'),
      ({ instances }) =>
        expect(instances.map(({ outcome }) => outcome).sort()).toEqual(['refused', 'released']),
      30_000,
    );
    expect(seen).not.toHaveProperty('config_version');
    expect(pools).toEqual([50, 1]);
    expect(willing.configuration.current).toEqual(otherwise);
    expect(willing.configuration.status().source).toBe('otherwise');
    const path = '/services/newcomer/configurations/development/effective';
    expect(await suite.request('GET', path)).toMatchObject({
      status: 404,
      body: { code: 'no-configuration-in-force' },
    });
    const [first] = await activations('newcomer');
    expect(first).toMatchObject({
      status: 'reverted',
      because: expect.stringContaining('fifty are too many'),
    });
  });
});
