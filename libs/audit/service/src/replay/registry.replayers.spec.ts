import type { RecordedEvent } from '@downbeat/eventsourcing';
import { instanceReplayer, serviceReplayer } from './registry.replayers';
import type { Replayer } from './replayer';

/** Of each append whether the rules lead to it again. */
async function replayed(replayer: Replayer, appends: readonly (readonly object[])[]) {
  const replay = replayer.begin();
  const found: boolean[] = [];
  for (const append of appends)
    found.push((await replay.apply(append as readonly RecordedEvent[])).isSame);
  return found;
}

describe('the stream of a service that went back to an older version', () => {
  const described = (service_version: string, more: object = {}) => ({
    ...{ service_name: 'billing', service_version, service_type: 'api' },
    ...{ deployment_environment: 'production', dependencies: [], ...more },
  });
  const registered = (version: string, more: object = {}) => [
    { type: 'ServiceRegistered', data: described(version, more) },
  ];
  const changed = (service_version: string) => [
    { type: 'ServiceChanged', data: { service_id: 'billing', service_version } },
  ];

  it('is decided again from its events alone', async () => {
    const events = [
      registered('1.4.0'),
      changed('2.0.0'),
      registered('1.4.0', { rolled_back_from: '2.0.0' }),
      changed('2.0.0'),
    ];
    expect(await replayed(serviceReplayer, events)).toEqual(events.map(() => true));
  });

  it('is decided again when its version was set, now or before that was told apart', async () => {
    const set = { service_id: 'billing', service_version: '1.4.0' };
    const events = [
      registered('2.0.0'),
      [{ type: 'ServiceChanged', data: { ...set, is_version_set: true } }],
      changed('2.0.0'),
      [{ type: 'ServiceChanged', data: set }],
      [{ type: 'ServiceChanged', data: { service_id: 'billing', owner_team: 'money' } }],
    ];
    expect(await replayed(serviceReplayer, events)).toEqual(events.map(() => true));
  });

  it.each([
    ['says nothing of it', {}],
    ['is one from a version that was not there', { rolled_back_from: '3.0.0' }],
  ])('shows a turn that %s', async (_, more) =>
    expect(
      await replayed(serviceReplayer, [
        registered('1.4.0'),
        changed('2.0.0'),
        registered('1.4.0', more),
      ]),
    ).toEqual([true, true, false]),
  );
});

describe('the stream of an instance from before anything of it could be adjusted', () => {
  const registered = (more: object) => [
    {
      type: 'InstanceRegistered',
      data: {
        ...{ service_id: 'billing', instance_id: 'billing-1', node_name: 'node-a' },
        ...{ ip_address: '10.0.0.7', port: 3_000, version: '1.0.0', metadata: { rack: 'a' } },
        ...{ check: { url: 'http://10.0.0.7:3000/health', interval_ms: 1_000, timeout_ms: 500 } },
        ...more,
      },
    },
  ];
  const session = (client_id: number) => ({ session: { server_id: 'NATS1', client_id } });

  it('is decided again as it was: whoever took more began anew', async () => {
    const events = [
      registered({ weight: 1 }),
      registered({ weight: 5 }),
      registered({ weight: 5, metadata: { rack: 'b' }, ...session(1) }),
      registered({ priority: 1, heartbeat_ttl_ms: 9_000 }),
    ];
    expect(await replayed(instanceReplayer, events)).toEqual(events.map(() => true));
  });

  it.each([
    ['changes nothing', { weight: 1 }],
    ['is over another connection only', { weight: 1, ...session(1) }],
  ])('shows a beginning that %s', async (_, more) =>
    expect(await replayed(instanceReplayer, [registered({ weight: 1 }), registered(more)])).toEqual(
      [true, false],
    ),
  );
});
