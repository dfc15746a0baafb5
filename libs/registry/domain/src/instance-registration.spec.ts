import { instantOf } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import {
  instanceRegistration,
  type InstanceCommand,
  type InstanceEvent,
} from './instance-registration';

const { given } = specification(instanceRegistration);

const at = instantOf(0);
const names = { service_id: 'billing', instance_id: 'billing-1' };
const details = {
  ...names,
  node_name: 'node-a',
  ip_address: '10.0.0.7',
  port: 3000,
  version: '1.0.0',
  check: {
    url: 'http://10.0.0.7:3000/health',
    interval_ms: 1_000,
    timeout_ms: 500,
    failure_threshold: 3,
    success_threshold: 1,
  },
};
const register = (changed: object = {}): InstanceCommand => ({
  type: 'RegisterInstance',
  data: { ...details, ...changed },
  at,
});
const observation = (status: 'healthy' | 'unhealthy') => ({
  ...names,
  status,
  failures: status === 'healthy' ? 0 : 3,
  detail: 'HTTP 200',
  checked_at: at,
});
const observe = (status: 'healthy' | 'unhealthy'): InstanceCommand => ({
  type: 'ObserveHealth',
  data: observation(status),
  at,
});
const deregister: InstanceCommand = { type: 'DeregisterInstance', data: names, at };
const expire: InstanceCommand = {
  type: 'ExpireInstance',
  data: { ...names, silent_for_ms: 20_000 },
  at,
};
const remove: InstanceCommand = { type: 'RemoveInstance', data: names, at };

const registered: InstanceEvent = { type: 'InstanceRegistered', data: details };
const observed = (status: 'healthy' | 'unhealthy'): InstanceEvent => ({
  type: 'InstanceHealthObserved',
  data: observation(status),
});
const terminating = (reason: string): InstanceEvent => ({
  type: 'InstanceTerminating',
  data: { ...names, reason },
});
const removed: InstanceEvent = { type: 'InstanceRemoved', data: names };

describe('an instance', () => {
  it('begins as starting', () => given().when(register()).then(registered));

  it('changes nothing by registering again as it is', () =>
    given(registered, observed('healthy')).when(register()).thenNothing());

  it('starts afresh when it comes back at another address', () =>
    given(registered, observed('healthy'))
      .when(register({ port: 3001 }))
      .then({ type: 'InstanceRegistered', data: { ...details, port: 3001 } }));

  it('keeps its id to one service', () =>
    given(registered)
      .when(register({ service_id: 'mail' }))
      .thenRejected('instance-of-another-service'));

  it('becomes healthy when its checks say so', () =>
    given(registered).when(observe('healthy')).then(observed('healthy')));

  it('does not become what it is', () =>
    given(registered, observed('healthy')).when(observe('healthy')).thenNothing());

  it('terminates when it says goodbye', () =>
    given(registered).when(deregister).then(terminating('deregistered')));

  it('says goodbye once', () =>
    given(registered, terminating('deregistered')).when(deregister).thenNothing());

  it('cannot say goodbye before it was there', () =>
    given().when(deregister).thenRejected('instance-unknown'));

  it('terminates when its heartbeats stay away', () =>
    given(registered).when(expire).then(terminating('heartbeat-expired')));

  it.each([[[]], [[registered, terminating('deregistered')]]])(
    'does not expire when it has gone by itself',
    (past: InstanceEvent[]) =>
      given(...past)
        .when(expire)
        .thenNothing(),
  );

  it('is past being healthy once it terminates', () =>
    given(registered, terminating('deregistered')).when(observe('healthy')).thenNothing());

  it('is removed only after it began to terminate', () => {
    given(registered).when(remove).thenNothing();
    given(registered, terminating('deregistered')).when(remove).then(removed);
  });

  it('comes back from terminating when it registers again', () =>
    given(registered, terminating('heartbeat-expired')).when(register()).then(registered));

  it('can return under its id after it was removed', () =>
    given(registered, terminating('deregistered'), removed).when(register()).then(registered));
});
