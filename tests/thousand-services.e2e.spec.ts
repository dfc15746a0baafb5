import { DownbeatService, operation } from '@downbeat/sdk';
import { eventually } from '@downbeat/test-bench';
import { z } from 'zod';
import { Crowd, inTurns } from './support/crowd';
import { feedEveryView } from './support/every-view';
import { Suite } from './support/suite';

jest.setTimeout(400_000);

const SERVICES = 1_000;
const INSTANCES = 5;
const KNOWN_WITHIN_MS = 90_000;
/** Far longer than a registry that lives is silent. */
const SILENT_MS = 6_000;
/** What a caller may ask of whoever works: far more than an answer takes. */
const CALL_TIMEOUT_MS = 10_000;

const whereabouts = operation('whereabouts', {
  input: z.object({}),
  output: z.object({ port: z.number() }),
});

type Status = {
  readonly contexts: readonly {
    readonly context: string;
    readonly data?: { readonly projections: readonly { readonly name: string }[] };
  }[];
};
type Verified = {
  readonly read_model: {
    readonly name: string;
    readonly is_equal: boolean;
    readonly tables: readonly { readonly table: string; readonly rows: number }[];
  };
};

/** This test gives something to show to the views of registry and health only. */
const isOfServices = (name: string): boolean => /^(registry|health)\./.test(name);

describe(`${SERVICES} services with ${INSTANCES} instances each`, () => {
  let suite: Suite;
  let crowd: Crowd;
  let shop: DownbeatService;

  beforeAll(async () => {
    suite = await Suite.start({ demo: false });
    shop = new DownbeatService({
      gatewayUrl: suite.gatewayUrl,
      natsUrl: suite.natsUrl,
      service: { service_name: 'shop', service_version: '1.0.0' },
    });
    await shop.start();
    await shop.registered;
    crowd = await Crowd.gather(suite.natsUrl, SERVICES, INSTANCES);
  });
  afterAll(async () => {
    await shop?.stop();
    await crowd?.disperse();
    await suite?.stop();
  });

  const offered = (service: string): number =>
    shop.directory.serviceOf(service)?.targets.length ?? 0;
  /** Of the crowd, in the caller's snapshot. */
  const allOffered = (): number =>
    crowd.services.reduce((sum, service) => sum + offered(service), 0);
  /** Calls each service of the crowd once. @returns The ports that answered. */
  const callEach = async (): Promise<ReadonlySet<number>> => {
    const ports = new Set<number>();
    await inTurns(crowd.services, async (service) => {
      const { port } = await shop.call(service, whereabouts, {}, { timeoutMs: CALL_TIMEOUT_MS });
      ports.add(port);
    });
    return ports;
  };

  it('are in the snapshot of a caller, who calls each', async () => {
    await eventually(allOffered, (count) => count === SERVICES * INSTANCES, KNOWN_WITHIN_MS);
    expect((await callEach()).size).toBe(INSTANCES);
  });

  /** The caller has noticed that nobody tells it anything, and has asked in vain. */
  const untilSilent = () =>
    eventually(
      () => shop.directoryStatus.age_ms,
      (age) => age > SILENT_MS,
      30_000,
    );

  it('are called on while the registry is dead, and while NATS and all that it held are gone too', async () => {
    await suite.app('registry').stop('SIGKILL');
    expect((await callEach()).size).toBe(INSTANCES);
    await untilSilent();
    expect((await callEach()).size).toBe(INSTANCES);
    await suite.killNats({ losing: true });
    expect((await callEach()).size).toBe(INSTANCES);
    await suite.restartNats();
    expect((await callEach()).size).toBe(INSTANCES);
    expect(allOffered()).toBe(SERVICES * INSTANCES);
  });

  it('are all still there when both are back, and what changes then is heard', async () => {
    await suite.app('registry').start();
    const path = `/services/crowd-0/instances/crowd-0-0`;
    expect((await suite.request('DELETE', path)).status).toBe(202);
    await eventually(
      () => offered('crowd-0'),
      (count) => count === INSTANCES - 1,
      KNOWN_WITHIN_MS,
    );
    expect(allOffered()).toBe(SERVICES * INSTANCES - 1);
    await callEach();
  });

  it('leave every view equal to one that is built from nothing', async () => {
    await feedEveryView(suite);
    const { contexts } = await eventually(
      () => suite.get<Status>('/status'),
      // One that is slow to answer is left out.
      ({ contexts: all }) => expect(all.filter(({ data }) => !data)).toEqual([]),
    );
    const names = contexts.flatMap(({ data }) => data?.projections.map(({ name }) => name) ?? []);
    expect(names).toEqual(
      expect.arrayContaining([
        'registry.services',
        'registry.configurations',
        'health.checks',
        'health.breakers',
      ]),
    );
    for (const name of names)
      await eventually(
        () => suite.request<Verified>('POST', '/audit/verify', { read_model: name }, {}, 60_000),
        ({ status, body }) => {
          expect([status, body.read_model]).toMatchObject([200, { name, is_equal: true }]);
          // Two empty tables are equal, whatever builds them.
          const empty = body.read_model.tables.filter(({ rows }) => rows === 0);
          expect(isOfServices(name) ? empty : []).toEqual([]);
        },
        60_000,
      );
  });
});
