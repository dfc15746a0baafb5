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
});
