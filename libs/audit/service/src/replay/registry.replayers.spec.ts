import type { RecordedEvent } from '@downbeat/eventsourcing';
import { serviceReplayer } from './registry.replayers';
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
