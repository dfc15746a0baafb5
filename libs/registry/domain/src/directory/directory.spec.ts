import type { Recorded } from '@downbeat/eventsourcing';
import { instantOf } from '@downbeat/eventsourcing';
import fc from 'fast-check';
import { Directory } from './directory';
import { offerOf, type DirectoryEvent } from './directory-entry';

const described = {
  service_version: '1.4.0',
  service_type: 'api' as const,
  deployment_environment: 'production' as const,
  dependencies: [],
};
const names = (service_id: string, n: number) => ({
  service_id,
  instance_id: `${service_id}-${n}`,
});
const session = (client_id: number) => ({ server_id: 'NATS1', client_id });

type Loose = { readonly type: DirectoryEvent['type']; readonly data: object };
const recorded = (events: readonly Loose[]) =>
  events.map((event, i) => ({
    ...event,
    position: i + 1,
  })) as unknown as readonly Recorded<DirectoryEvent>[];

const service = (service_name: string, more: object = {}): Loose => ({
  type: 'ServiceRegistered',
  data: { service_name, ...described, ...more },
});
const instance = (service_id: string, n: number, more: object = {}): Loose => ({
  type: 'InstanceRegistered',
  data: {
    ...names(service_id, n),
    node_name: 'node-a',
    ip_address: '10.0.0.7',
    port: 3000 + n,
    version: '1.4.0',
    ...more,
  },
});
const health = (service_id: string, n: number, status: string): Loose => ({
  type: 'InstanceHealthObserved',
  data: {
    ...names(service_id, n),
    status,
    failures: 0,
    detail: 'HTTP 200',
    checked_at: instantOf(0),
  },
});
const of = (
  type: DirectoryEvent['type'],
  service_id: string,
  n: number,
  more: object = {},
): Loose => ({
  type,
  data: { ...names(service_id, n), ...more },
});
const after = (...events: readonly Loose[]) => {
  const directory = new Directory();
  directory.apply(recorded(events));
  return directory;
};
const offers = (directory: Directory, name: string) => {
  const entry = directory.get(name);
  return entry && offerOf(entry).targets.map(({ instance_id }) => instance_id);
};

it('offers what is healthy, runs and is not held back', () => {
  const healthy = [service('billing'), instance('billing', 1), health('billing', 1, 'healthy')];
  expect(offers(after(...healthy), 'billing')).toEqual(['billing-1']);
  for (const against of [
    health('billing', 1, 'unhealthy'),
    of('InstanceLifecycleAnnounced', 'billing', 1, { lifecycle: 'stopping' }),
    of('InstanceSuppressed', 'billing', 1, { until: instantOf(9), penalty: 3 }),
    of('InstanceTerminating', 'billing', 1, { reason: 'deregistered' }),
    of('InstanceRemoved', 'billing', 1),
  ])
    expect(offers(after(...healthy, against), 'billing')).toEqual([]);
  expect(
    offers(
      after(
        ...healthy,
        of('InstanceSuppressed', 'billing', 1, { until: instantOf(9), penalty: 3 }),
        of('InstanceReleased', 'billing', 1),
      ),
      'billing',
    ),
  ).toEqual(['billing-1']);
});

describe('who ran and takes no new calls is told with the reason, until it is gone', () => {
  const running = [service('billing'), instance('billing', 1), health('billing', 1, 'healthy')];
  const told = (...events: readonly Loose[]) => {
    const entry = after(...events).get('billing');
    return entry && (offerOf(entry).unoffered ?? []).map(({ state }) => state);
  };
  const sick = health('billing', 1, 'unhealthy');
  const stopping = of('InstanceLifecycleAnnounced', 'billing', 1, { lifecycle: 'stopping' });
  const held = of('InstanceSuppressed', 'billing', 1, { until: instantOf(9), penalty: 3 });
  const gone = of('InstanceTerminating', 'billing', 1, { reason: 'deregistered' });

  it.each([
    ['takes calls', [], []],
    ['fails its checks', [sick], ['unhealthy']],
    ['is held back', [held], ['unhealthy']],
    ['stops', [stopping], ['draining']],
    ['stops and fails', [stopping, sick], []],
    ['says goodbye', [gone], []],
    ['failed, and says goodbye', [sick, gone], []],
  ])('%s', (_, events, states) => expect(told(...running, ...events)).toEqual(states));

  it('is not said of one that never ran', () =>
    expect(told(service('billing'), instance('billing', 1), sick)).toEqual([]));
});

it('waits for one that announces itself until it says that it runs', () => {
  const starting = [
    service('billing'),
    instance('billing', 1),
    of('InstanceLifecycleAnnounced', 'billing', 1, { lifecycle: 'initializing' }),
    health('billing', 1, 'healthy'),
  ];
  expect(offers(after(...starting), 'billing')).toEqual([]);
  const running = of('InstanceLifecycleAnnounced', 'billing', 1, { lifecycle: 'running' });
  expect(offers(after(...starting, running), 'billing')).toEqual(['billing-1']);
});

it('tells callers what they need, and nothing of sessions', () => {
  const entry = after(
    service('billing', {
      base_url: 'http://billing',
      capabilities: ['invoice', { name: 'tax', version: '3.0.0' }],
    }),
    instance('billing', 1, { ip_address: 'fd00::7', zone: 'a', weight: 2, session: session(1) }),
    health('billing', 1, 'healthy'),
    instance('billing', 2),
  ).get('billing');
  expect(entry && offerOf(entry)).toEqual({
    service_name: 'billing',
    revision: 4,
    environment: 'production',
    base_url: 'http://billing',
    capabilities: ['invoice', 'tax'],
    capability_versions: { invoice: '1.4.0', tax: '3.0.0' },
    unversioned_capabilities: ['invoice'],
    instance_count: 2,
    targets: [
      {
        service_name: 'billing',
        instance_id: 'billing-1',
        version: '1.4.0',
        url: 'http://[fd00::7]:3001',
        zone: 'a',
        weight: 2,
      },
    ],
  });
});

it('goes on offering one that takes more or less than before, as it says now', () => {
  const events = [
    service('billing'),
    instance('billing', 1, { weight: 2, priority: 1, zone: 'a', session: session(1) }),
    health('billing', 1, 'healthy'),
    of('InstanceAdjusted', 'billing', 1, { weight: 5 }),
  ];
  const entry = after(...events).get('billing');
  const [target] = entry ? offerOf(entry).targets : [];
  expect(target).toMatchObject({ instance_id: 'billing-1', weight: 5, zone: 'a' });
  expect(target).not.toHaveProperty('priority');
  expect(after(...events).instancesOf(session(1))).toEqual([names('billing', 1)]);
});

it('tells the environment that a service is in now', () => {
  const moved = after(service('billing'), {
    type: 'ServiceChanged',
    data: { service_id: 'billing', deployment_environment: 'staging' },
  }).get('billing');
  expect(moved && offerOf(moved).environment).toBe('staging');
});

it('knows what a session stands for now', () => {
  const directory = after(
    service('billing'),
    instance('billing', 1, { session: session(1) }),
    of('InstanceSessionMoved', 'billing', 1, { session: session(2) }),
    instance('billing', 3, { session: session(3) }),
    of('InstanceRemoved', 'billing', 3),
  );
  expect(directory.instancesOf(session(2))).toEqual([names('billing', 1)]);
  for (const gone of [1, 3, 4]) expect(directory.instancesOf(session(gone))).toEqual([]);
});

it('knows all that one session stands for, and nobody who has gone', () => {
  const own = { session: session(1) };
  const two = [service('a'), service('b'), instance('a', 1, own), instance('b', 1, own)];
  expect(after(...two).instancesOf(session(1))).toEqual([names('a', 1), names('b', 1)]);
  const gone = of('InstanceTerminating', 'a', 1, { reason: 'deregistered' });
  expect(after(...two, gone).instancesOf(session(1))).toEqual([names('b', 1)]);
  // Whoever claims another one's session does not take it away.
  const claimed = [...two, of('InstanceRemoved', 'b', 1)];
  expect(after(...claimed).instancesOf(session(1))).toEqual([names('a', 1)]);
});

it('passes over events of a service or an instance that it never heard of', () => {
  const directory = after(
    health('billing', 1, 'healthy'),
    service('mail'),
    health('mail', 1, 'healthy'),
  );
  expect([directory.size, directory.revision]).toEqual([1, 3]);
  expect(directory.get('mail')?.revision).toBe(2);
});

describe('whoever follows page by page', () => {
  const anyEvent = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    n: fc.integer({ min: 1, max: 2 }),
    kind: fc.constantFrom('service', 'instance', 'healthy', 'unhealthy', 'removed'),
  });
  const eventOf = ({ name, n, kind }: { name: string; n: number; kind: string }): Loose => {
    if (kind === 'service') return service(name);
    if (kind === 'instance') return instance(name, n);
    if (kind === 'removed') return of('InstanceRemoved', name, n);
    return health(name, n, kind);
  };

  it('comes to know everything, whenever it asks', () =>
    fc.assert(
      fc.property(
        fc.array(anyEvent, { maxLength: 40, size: 'max' }),
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 10 }),
        (kinds, slices) => {
          const events = recorded(kinds.map(eventOf));
          const directory = new Directory();
          const known = new Map<string, unknown>();
          let since = 0;
          const ask = (limit: number) => {
            const page = directory.changedAfter(since, limit);
            for (const entry of page) known.set(entry.service_name, offerOf(entry));
            since = page.length === limit ? (page.at(-1)?.revision ?? since) : directory.revision;
          };
          let taken = 0;
          for (let turn = 0; taken < events.length; turn++) {
            const size = slices[turn % slices.length] ?? 1;
            directory.apply(events.slice(taken, taken + size));
            taken += size;
            ask(1);
          }
          for (let turn = 0; turn <= 4; turn++) ask(2);
          const all = new Directory();
          all.apply(events);
          expect(known).toEqual(
            new Map(all.changedAfter(0, 100).map((one) => [one.service_name, offerOf(one)])),
          );
        },
      ),
    ));

  it('knows the versions of all that are listed, those included that have gone', () => {
    const directory = after(
      service('a'),
      ...[instance('a', 1), instance('a', 2, { version: '2.0.0' }), instance('a', 3)],
      ...[instance('a', 4, { version: '3.0.0' }), of('InstanceRemoved', 'a', 4)],
      of('InstanceTerminating', 'a', 2, { reason: 'deregistered' }),
    );
    expect(directory.versionsOf('a')).toEqual(new Set(['1.4.0', '2.0.0']));
    expect(directory.versionsOf('b')).toEqual(new Set());
  });

  it('gets the same from one that began with what another had', () => {
    const events = recorded([
      service('a'),
      service('b'),
      instance('a', 1, { session: session(1) }),
      health('a', 1, 'healthy'),
    ]);
    const first = new Directory();
    first.apply(events.slice(0, 3));
    const second = new Directory(first.changedAfter(0, 100), first.revision);
    for (const directory of [first, second]) directory.apply(events.slice(3));
    expect(second.changedAfter(0, 100)).toEqual(first.changedAfter(0, 100));
    expect(second.instancesOf(session(1))).toEqual([names('a', 1)]);
  });
});

it('counts who has not gone, whatever happened before', () =>
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          n: fc.integer({ min: 1, max: 3 }),
          type: fc.constantFrom(
            'InstanceRegistered' as const,
            'InstanceTerminating' as const,
            'InstanceRemoved' as const,
            'InstanceReleased' as const,
          ),
        }),
        { maxLength: 30 },
      ),
      (steps) => {
        const directory = after(
          service('a'),
          ...steps.map(({ n, type }) =>
            type === 'InstanceRegistered'
              ? instance('a', n, { session: session(n) })
              : of(type, 'a', n, { reason: 'deregistered' }),
          ),
        );
        const present = [1, 2, 3].filter((n) => directory.isPresent(names('a', n)));
        expect(directory.presentInstances('a')).toBe(present.length);
        expect(directory.sessionCount).toBe(present.length);
        const entry = directory.get('a');
        expect(entry && offerOf(entry).instance_count).toBe(present.length);
      },
    ),
  ));
