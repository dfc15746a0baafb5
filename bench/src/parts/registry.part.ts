import { setTimeout as pause } from 'node:timers/promises';
import { NatsMessageBus } from '@downbeat/message-bus';
import { connect } from 'nats';
import type { Part } from '../bench-context';
import { peakRssMb } from '../measure/proc';
import { percentile } from '../measure/statistics';
import { capabilityLookupsNs } from '../registry/capability-lookups';
import { Crowd } from '../registry/crowd';
import { Watcher } from '../registry/watcher';
import { Registrations } from '../registry/registrations';
import { figure } from '../report/figure';

const SERVICES = 1_000;
const INSTANCES_EACH = 5;
const AT_ONCE = 256;
const CHANGES_PER_S = 200;
const SESSIONS = 41;
/** More than ten that close within a second look like a network that fails: then those that come back are waited for. */
const CLOSE_EVERY_MS = 120;
const LOOKUPS = 5_000_000;
const APPS = ['registry', 'health', 'saga', 'orchestrator', 'gateway'] as const;

/** A thousand services with five instances each: registered, looked up, changed, and some of them killed. */
export const registry: Part = {
  name: 'registry',
  async run({ suite, counts }) {
    await suite.ensureApps();
    const bus = await NatsMessageBus.connect({ url: suite.nats.url, name: 'bench-registry' });
    const crowd = await Crowd.gather(bus);
    const watcher = new Watcher(bus);
    watcher.follower.start();
    try {
      const names = Array.from({ length: SERVICES }, (_, n) => `crowd-${n}`);
      const services = await crowd.rateOf(
        names.map((name) => () => crowd.register(name)),
        AT_ONCE,
      );
      const registering = new Registrations(suite, crowd, watcher, INSTANCES_EACH);
      const registered = await registering.figures(names, AT_ONCE);
      const stored = await counts.instancesRegistered('crowd-');
      if (stored !== SERVICES * INSTANCES_EACH)
        throw new Error(`${stored} of ${SERVICES * INSTANCES_EACH} registrations are stored`);
      const pushed = await pushesMs(crowd, watcher, names);
      const closed = await closesMs(crowd, watcher, suite.nats.url);
      const memory = await Promise.all(APPS.map((app) => peakRssMb(suite.app(app).pid)));
      return {
        figures: [
          figure('registry', `${SERVICES} services registered, ${AT_ONCE} at once`, '1/s', [
            services,
          ]),
          ...registered,
          figure('registry', 'command to a caller’s snapshot, p50', 'ms', [
            percentile(pushed, 0.5),
          ]),
          figure(
            'registry',
            'command to a caller’s snapshot, p99',
            'ms',
            [percentile(pushed, 0.99)],
            {
              atMost: 100,
            },
          ),
          figure('registry', 'closed connection to a caller’s snapshot', 'ms', closed, {
            atMost: 20,
          }),
          figure('registry', 'a look-up', 'ns', lookupNs(watcher, names), { atMost: 1_000 }),
          figure(
            'registry',
            `a look-up by capability, ${SERVICES} services have it, right after a change`,
            'ns',
            capabilityLookupsNs(
              names.flatMap((name) => watcher.follower.snapshot.serviceOf(name) ?? []),
            ),
            { atMost: 1_000 },
          ),
          ...APPS.map((app, i) =>
            figure('registry', `peak memory of ${app}`, 'MB', [memory[i] ?? Number.NaN], {
              atMost: 200,
            }),
          ),
        ],
      };
    } finally {
      await watcher.follower.stop();
      await crowd.disperse();
      await bus.close();
    }
  },
};

/** From sending what changes an instance until a caller knows, at a steady rate. */
async function pushesMs(
  crowd: Crowd,
  watcher: Watcher,
  services: readonly string[],
): Promise<readonly number[]> {
  const times: number[] = [];
  const under: Promise<void>[] = [];
  for (const service of services) {
    const began = performance.now();
    under.push(
      crowd
        .command('AnnounceLifecycle', `${service}-0`, {
          service_id: service,
          lifecycle: 'stopping',
        })
        .then(() => undefined),
      watcher
        .when(() => watcher.offered(service) === INSTANCES_EACH - 1)
        .then(() => void times.push(performance.now() - began)),
    );
    await pause(1_000 / CHANGES_PER_S);
  }
  await Promise.all(under);
  return times;
}

/** From closing an instance's connection until a caller knows. */
async function closesMs(
  crowd: Crowd,
  watcher: Watcher,
  servers: string,
): Promise<readonly number[]> {
  await crowd.register('connected');
  const times: number[] = [];
  for (let n = 0; n < SESSIONS; n++) {
    const connection = await connect({ servers });
    const { server_id = '', client_id = 0 } = connection.info ?? {};
    await crowd.registerInstance('connected', `connected-${n}`, {
      session: { server_id, client_id },
    });
    await watcher.when(() => watcher.offered('connected') === 1);
    const began = performance.now();
    await Promise.all([connection.close(), watcher.when(() => watcher.offered('connected') === 0)]);
    times.push(performance.now() - began);
    await pause(CLOSE_EVERY_MS);
  }
  return times;
}

function lookupNs(watcher: Watcher, names: readonly string[]): readonly number[] {
  const { snapshot } = watcher.follower;
  return Array.from({ length: 3 }, () => {
    let found = 0;
    const began = performance.now();
    for (let n = 0; n < LOOKUPS; n++)
      if (snapshot.serviceOf(names[n % names.length] ?? '')) found++;
    const ns = ((performance.now() - began) * 1e6) / LOOKUPS;
    if (found !== LOOKUPS) throw new Error('a service was not found');
    return ns;
  });
}
