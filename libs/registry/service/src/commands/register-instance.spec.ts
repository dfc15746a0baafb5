import { MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import { instantOf, type Message } from '@downbeat/eventsourcing';
import { serviceStream } from '@downbeat/registry-domain';
import type { LiveDirectory } from '../directory/live-directory';
import { InstanceRoom } from './instance-room';
import { RegisterInstance, RegisterInstanceHandler } from './register-instance';

const meta = { correlation_id: 'c1', causation_id: 'c1', actor: 'test' };
const described = {
  service_name: 'billing',
  service_version: '1.4.0',
  service_type: 'api',
  deployment_environment: 'production',
  dependencies: [],
};
const instance = {
  service_id: 'billing',
  instance_id: 'billing-1',
  node_name: 'node-a',
  ip_address: '10.0.0.7',
  port: 3000,
  version: '1.4.0',
};

/** What is answered when the directory lists so many instances, this one among them or not. */
async function registered(present: number, isListed: boolean, ...since: readonly Message[]) {
  const store = new MemoryEventStore(new MemoryLog(() => 0), 'registry');
  const events = [{ type: 'ServiceRegistered', data: described }, ...since];
  await store.append({ stream: serviceStream('billing'), expected: 0, events, meta });
  const directory = {
    isPresent: () => isListed,
    presentInstances: () => present,
    onRead: () => () => undefined,
  };
  const room = new InstanceRoom(directory as unknown as LiveDirectory, { now: () => 0 });
  const handler = new RegisterInstanceHandler(store, room);
  return handler.execute(new RegisterInstance(instance, instantOf(0), { meta }));
}

it('takes as many instances of a service as callers can be told of, and no more', async () => {
  expect(await registered(2_999, false)).toMatchObject({
    accepted: true,
    // So that an instance learns when another version describes its service by now.
    answer: { service_id: 'billing', instance_id: 'billing-1', service_version: '1.4.0' },
  });
  expect(await registered(3_000, false)).toMatchObject({
    accepted: false,
    problem: { code: 'too-many-instances', errors: [{ field: 'service_id' }] },
  });
});

it('takes one that is there already, however many there are', async () =>
  expect(await registered(3_000, true)).toMatchObject({ accepted: true }));

it.each(['1.3.0', '1.4.1'])(
  'does not tell it of a version that somebody has set, so that it does not undo that: %s',
  async (service_version) => {
    const data = { service_id: 'billing', service_version };
    const set = { type: 'ServiceChanged', data: { ...data, is_version_set: true } };
    const outcome = await registered(0, false, set);
    expect(outcome.accepted && outcome.answer).toEqual({
      ...{ service_id: 'billing', instance_id: 'billing-1' },
    });
    const said = await registered(0, false, { type: 'ServiceChanged', data });
    expect(said.accepted && said.answer['service_version']).toBe(service_version);
  },
);
