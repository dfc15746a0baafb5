import { fold, instantOf } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import type { InstanceEvent } from './instance-events';
import { instanceRegistration, type InstanceCommand } from './instance-registration';

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

  it('changes nothing by registering again when its service is checked in another way', () =>
    given(registered, observed('healthy'))
      .when(register({ check: { ...details.check, interval_ms: 9_000 } }))
      .thenNothing());

  it.each([
    [{ weight: 3 }],
    [{ priority: 1 }],
    [{ metadata: { rack: 'b' } }],
    [{ heartbeat_ttl_ms: 60_000 }],
  ])('stays as healthy as it is when it says %j of itself', (changed) => {
    const adjusted: InstanceEvent = { type: 'InstanceAdjusted', data: { ...names, ...changed } };
    const was: InstanceEvent[] = [registered, observed('healthy')];
    given(...was)
      .when(register(changed))
      .then(adjusted);
    given(...was, adjusted)
      .when(register(changed))
      .thenNothing();
    const back: InstanceEvent = { type: 'InstanceAdjusted', data: names };
    given(...was, adjusted)
      .when(register())
      .then(back);
    given(...was, adjusted, back)
      .when(register())
      .thenNothing();
    expect(fold(instanceRegistration, [...was, adjusted])).toMatchObject({
      status: 'healthy',
      lifecycle: 'running',
      registered: changed,
    });
  });

  it('starts afresh at another address, whatever else it says', () =>
    given(registered, observed('healthy'))
      .when(register({ port: 3001, weight: 3 }))
      .then({ type: 'InstanceRegistered', data: { ...details, port: 3001, weight: 3 } }));

  it('keeps its id to one service', () =>
    given(registered)
      .when(register({ service_id: 'mail' }))
      .thenRejected('instance-of-another-service'));

  it('becomes healthy when its checks say so', () =>
    given(registered).when(observe('healthy')).then(observed('healthy')));

  it('does not become what it is', () =>
    given(registered, observed('healthy')).when(observe('healthy')).thenNothing());

  it('is told anew whose failure it has, and once', () => {
    const inherited = { origin: 'ledger', path: ['billing', 'ledger'] };
    const seen = observe('unhealthy');
    const tell = { ...seen, data: { ...seen.data, inherited } } as InstanceCommand;
    const told = { ...observed('unhealthy') };
    const event = { ...told, data: { ...told.data, inherited } } as InstanceEvent;
    given(registered, told).when(tell).then(event);
    given(registered, event).when(tell).thenNothing();
    given(registered, event).when(seen).then(told);
  });

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

  it('gives a reason of its own, which says nothing about how it ended', () =>
    given(registered)
      .when({ type: 'DeregisterInstance', data: { ...names, reason: 'heartbeat-expired' }, at })
      .then({
        type: 'InstanceTerminating',
        data: { ...names, reason: 'heartbeat-expired', ending: 'deregistered' },
      }));
});

describe('the connection of an instance', () => {
  const session = { server_id: 'NATS1', client_id: 7 };
  const next = { server_id: 'NATS2', client_id: 1 };
  const connected: InstanceEvent = { type: 'InstanceRegistered', data: { ...details, session } };
  const moved = (to?: typeof next): InstanceEvent => ({
    type: 'InstanceSessionMoved',
    data: { ...names, ...(to ? { session: to } : {}) },
  });
  const close = (closed: typeof next): InstanceCommand => ({
    type: 'CloseSession',
    data: { ...names, session: closed },
    at,
  });
  const gone: InstanceEvent = {
    type: 'InstanceTerminating',
    data: { ...names, reason: 'session-closed', ending: 'session-closed' },
  };

  it('takes it with it when it closes', () =>
    given(connected, observed('healthy')).when(close(session)).then(gone));

  it('can be another one without a new beginning', () =>
    given(connected, observed('healthy'))
      .when(register({ session: next }))
      .then(moved(next)));

  it('can change together with what is said of it', () => {
    const adjusted: InstanceEvent = { type: 'InstanceAdjusted', data: { ...names, weight: 3 } };
    const both = register({ session: next, weight: 3 });
    given(connected, observed('healthy')).when(both).then(adjusted, moved(next));
    given(connected, adjusted, moved(next)).when(both).thenNothing();
    given(connected, adjusted).when(close(session)).then(gone);
  });

  it('can be given up for heartbeats alone', () => given(connected).when(register()).then(moved()));

  it('says nothing when it is not the one it has now', () => {
    given(connected, moved(next)).when(close(session)).thenNothing();
    given(connected, moved()).when(close(session)).thenNothing();
    given(registered).when(close(session)).thenNothing();
    given().when(close(session)).thenNothing();
    given(connected, gone).when(close(session)).thenNothing();
  });

  it('does not change when it registers over the same again', () =>
    given(connected, moved(next))
      .when(register({ session: next }))
      .thenNothing());
});

describe('how far an instance has come', () => {
  type Stage = Extract<InstanceCommand, { type: 'AnnounceLifecycle' }>['data']['lifecycle'];
  const announce = (lifecycle: Stage): InstanceCommand => ({
    type: 'AnnounceLifecycle',
    data: { ...names, lifecycle },
    at,
  });
  const announced = (lifecycle: Stage): InstanceEvent => ({
    type: 'InstanceLifecycleAnnounced',
    data: { ...names, lifecycle },
  });

  describe('said with the registration', () => {
    const beginning = (lifecycle: Stage, more: object = {}) => register({ lifecycle, ...more });

    it('is known at once, before any check', () => {
      given().when(beginning('initializing')).then(registered, announced('initializing'));
      given(registered, terminating('deregistered'))
        .when(beginning('initializing'))
        .then(registered, announced('initializing'));
      given(registered, announced('running'))
        .when(beginning('starting', { port: 3001 }))
        .then(
          { type: 'InstanceRegistered', data: { ...details, port: 3001 } },
          announced('starting'),
        );
    });

    it('may have a detail', () =>
      given()
        .when(beginning('initializing', { lifecycle_detail: 'warms its cache' }))
        .then(registered, {
          type: 'InstanceLifecycleAnnounced',
          data: { ...names, lifecycle: 'initializing', detail: 'warms its cache' },
        }));

    it('goes forward when it is registered again', () => {
      given(registered, announced('initializing')).when(beginning('initializing')).thenNothing();
      given(registered, announced('initializing'))
        .when(beginning('running', { weight: 3 }))
        .then({ type: 'InstanceAdjusted', data: { ...names, weight: 3 } }, announced('running'));
    });

    it.each(['running', 'stopping'] as const)(
      'changes nothing of one that is %s by now: a list is given again as it was',
      (stage) => given(registered, announced(stage)).when(beginning('initializing')).thenNothing(),
    );

    it('waits for its word: healthy, it does not run yet', () =>
      expect(
        fold(instanceRegistration, [registered, announced('initializing'), observed('healthy')]),
      ).toMatchObject({ status: 'healthy', lifecycle: 'initializing' }));
  });

  it('goes forward, and may leave out stages', () => {
    given(registered).when(announce('initializing')).then(announced('initializing'));
    given(registered, announced('initializing'))
      .when(announce('running'))
      .then(announced('running'));
    given(registered, announced('stopping')).when(announce('failed')).then(announced('failed'));
  });

  it('is said once', () =>
    given(registered, announced('starting')).when(announce('starting')).thenNothing());

  it.each<[Stage, Stage]>([
    ['running', 'starting'],
    ['failed', 'running'],
    ['stopping', 'running'],
  ])('does not go back from %s to %s', (from, to) =>
    given(registered, announced(from)).when(announce(to)).thenRejected('lifecycle-goes-forward'),
  );

  it('is `running` once it is healthy, so that it is not initializing after that', () =>
    given(registered, observed('healthy'))
      .when(announce('initializing'))
      .thenRejected('lifecycle-goes-forward'));

  it('begins anew when it is registered again after it went away', () =>
    given(registered, announced('stopping'), terminating('deregistered'), registered)
      .when(announce('initializing'))
      .then(announced('initializing')));

  it('is said by one that is there, of its own service', () => {
    given().when(announce('running')).thenRejected('instance-unknown');
    given(registered, terminating('deregistered'))
      .when(announce('running'))
      .thenRejected('instance-unknown');
    given({ type: 'InstanceRegistered', data: { ...details, service_id: 'mail' } })
      .when(announce('running'))
      .thenRejected('instance-of-another-service');
  });
});

describe('an instance that changes its mind', () => {
  const second = (n: number) => instantOf(n * 1_000);
  const at_ = (status: 'healthy' | 'unhealthy', n: number) => ({
    ...observation(status),
    checked_at: second(n),
  });
  const seen = (status: 'healthy' | 'unhealthy', n: number): InstanceEvent => ({
    type: 'InstanceHealthObserved',
    data: at_(status, n),
  });
  const see = (status: 'healthy' | 'unhealthy', n: number): InstanceCommand => ({
    type: 'ObserveHealth',
    data: at_(status, n),
    at: second(n),
  });
  const twice = [
    registered,
    seen('healthy', 0),
    seen('unhealthy', 0),
    seen('healthy', 0),
    seen('unhealthy', 0),
    seen('healthy', 0),
  ];
  const until = instantOf(Math.ceil(60_000 * Math.log2(3)));
  const suppressed: InstanceEvent = {
    type: 'InstanceSuppressed',
    data: { ...names, until, penalty: 3 },
  };

  it('is held back when it does so a third time at once', () =>
    given(...twice)
      .when(see('unhealthy', 0))
      .then(seen('unhealthy', 0), suppressed));

  it('is not, when it took its time', () =>
    given(...twice)
      .when(see('unhealthy', 60))
      .then(seen('unhealthy', 60)));

  it('does not begin with a clean sheet by registering again', () =>
    given(...twice, { ...registered, data: { ...details, port: 3001 } }, seen('healthy', 1))
      .when(see('unhealthy', 0))
      .then(seen('unhealthy', 0), suppressed));

  it('is still held back when it registers anew', () => {
    const anew: InstanceEvent = { type: 'InstanceRegistered', data: { ...details, port: 3001 } };
    const past = [...twice, seen('unhealthy', 0), suppressed, anew, seen('healthy', 1)];
    const release: InstanceCommand = { type: 'ReleaseInstance', data: names, at: until };
    given(...past)
      .when(release)
      .then({ type: 'InstanceReleased', data: names });
  });

  it('is released when that time is over, and not before', () => {
    const held = [...twice, seen('unhealthy', 0), suppressed];
    const release = (atMs: number): InstanceCommand => ({
      type: 'ReleaseInstance',
      data: names,
      at: instantOf(atMs),
    });
    given(...held)
      .when(release(Date.parse(until) - 1))
      .thenNothing();
    given(...held)
      .when(release(Date.parse(until)))
      .then({ type: 'InstanceReleased', data: names });
    given(...held, { type: 'InstanceReleased', data: names })
      .when(release(Date.parse(until)))
      .thenNothing();
    given(registered).when(release(0)).thenNothing();
  });
});

describe('an instance that nobody could use for long', () => {
  const giveUp: InstanceCommand = {
    type: 'GiveUpInstance',
    data: { ...names, unusable_for_ms: 600_000 },
    at,
  };
  const gone: InstanceEvent = {
    type: 'InstanceTerminating',
    data: { ...names, reason: 'never-healthy', ending: 'never-healthy' },
  };

  it('is removed', () => {
    given(registered).when(giveUp).then(gone);
    given(registered, observed('healthy'), observed('unhealthy')).when(giveUp).then(gone);
  });

  it('stays when it has become healthy meanwhile', () =>
    given(registered, observed('healthy')).when(giveUp).thenNothing());
});
