import { instantOf } from '@downbeat/eventsourcing';
import { tableSpecification } from '@downbeat/projections/testing';
import type { ConfigurationsEvent } from './configurations-event';
import { configuredInstance } from './configured-instance.table';

const { given } = tableSpecification(configuredInstance);

const names = { service_id: 'billing', instance_id: 'billing-1' };
const registered = { type: 'InstanceRegistered', data: names } as ConfigurationsEvent;
const terminating = (more: object): ConfigurationsEvent =>
  ({ type: 'InstanceTerminating', data: { ...names, ...more } }) as ConfigurationsEvent;
const endings = (...events: readonly ConfigurationsEvent[]) =>
  given(...events).rows.map(({ status, ending }) => [status, ending]);

const healthOf = (status: string): ConfigurationsEvent =>
  ({
    type: 'InstanceHealthObserved',
    data: { ...names, status, detail: 'HTTP 503' },
  }) as ConfigurationsEvent;
const instant = (second: number) => instantOf(second * 1_000);
/** Each event a second after the one before. */
const unwellSince = (...events: readonly ConfigurationsEvent[]) =>
  given(...events.map((event, at) => ({ ...event, recorded_at: instant(at) }))).rows.map(
    (row) => row.unwell_since,
  );

describe('an instance with its configuration', () => {
  it('is there without an ending', () => expect(endings(registered)).toEqual([['starting', null]]));

  it.each([
    [{ reason: 'its connection closed', ending: 'session-closed' }, 'session-closed'],
    // As it was said before endings were.
    [{ reason: 'heartbeat-expired' }, 'heartbeat-expired'],
    [{ reason: 'scaled down' }, 'deregistered'],
  ])('goes away in its own way: %j', (said, ending) =>
    expect(endings(registered, terminating(said))).toEqual([['terminating', ending]]),
  );

  it('begins anew when it comes back', () =>
    expect(endings(registered, terminating({ reason: 'heartbeat-expired' }), registered)).toEqual([
      ['starting', null],
    ]));

  describe('is unwell', () => {
    const [sick, well] = [healthOf('unhealthy'), healthOf('healthy')];
    const lost = terminating({ reason: 'heartbeat-expired' });

    it.each([
      ['not at all at first', [registered], null],
      ['since it became so, for whatever reason it still is', [registered, sick, sick], 1],
      ['since then also when it is lost', [registered, sick, lost], 1],
      ['since it was lost', [registered, well, lost], 2],
      ['anew after it was well', [registered, sick, well, sick], 3],
      ['no longer when it starts anew', [registered, sick, registered], null],
    ])('%s', (_, events, since) =>
      expect(unwellSince(...events)).toEqual([since === null ? null : instant(since)]),
    );
  });
});
