import { instantOf } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { instanceCheck, type CheckCommand, type CheckEvent } from './instance-check';

const { given } = specification(instanceCheck);

const at = instantOf(0);
const names = { service_name: 'billing', instance_id: 'billing-1' };
const checked = {
  ...names,
  check: {
    url: 'http://10.0.0.7:3000/health',
    interval_ms: 1_000,
    timeout_ms: 500,
    failure_threshold: 3,
    success_threshold: 1,
  },
};
const crossing = (status: 'healthy' | 'unhealthy') => ({
  ...names,
  status,
  failures: status === 'healthy' ? 0 : 3,
  detail: 'HTTP 200',
  checked_at: at,
});
const cross = (status: 'healthy' | 'unhealthy'): CheckCommand => ({
  type: 'CrossThreshold',
  data: crossing(status),
  at,
});
const leaving = { ...names, reason: 'deregistered' };
const start: CheckCommand = { type: 'StartChecking', data: checked, at };
const stop: CheckCommand = { type: 'StopChecking', data: leaving, at };
const forget: CheckCommand = { type: 'ForgetInstance', data: names, at };
const forgotten: CheckEvent = { type: 'InstanceForgotten', data: names };
const started: CheckEvent = { type: 'CheckStarted', data: checked };
const changed = (status: 'healthy' | 'unhealthy'): CheckEvent => ({
  type: 'HealthChanged',
  data: crossing(status),
});
const stopped: CheckEvent = { type: 'CheckStopped', data: leaving };

describe('the check of an instance', () => {
  it('starts when the instance is registered', () => given().when(start).then(started));

  it('starts afresh when the instance registers again', () =>
    given(started, changed('healthy')).when(start).then(started));

  it('says when a threshold is crossed', () =>
    given(started).when(cross('healthy')).then(changed('healthy')));

  it('says it once', () =>
    given(started, changed('unhealthy')).when(cross('unhealthy')).thenNothing());

  it('stops with the instance', () => given(started, changed('healthy')).when(stop).then(stopped));

  it.each([[[]], [[started, stopped]]])(
    'has nothing to say about an instance that is not checked',
    (past: CheckEvent[]) => {
      given(...past)
        .when(cross('unhealthy'))
        .thenNothing();
      given(...past)
        .when(stop)
        .thenNothing();
    },
  );

  it('is forgotten with the instance, once', () => {
    given(started, stopped).when(forget).then(forgotten);
    given(started, stopped, forgotten).when(forget).thenNothing();
  });

  it('begins again after it stopped', () => given(started, stopped).when(start).then(started));

  const starting = { ...names, detail: 'HTTP 200', checked_at: at };
  const passStartup: CheckCommand = { type: 'PassStartup', data: starting, at };
  const startupPassed: CheckEvent = { type: 'StartupPassed', data: starting };

  it('says once that the instance has started, and anew when it registers again', () => {
    given(started).when(passStartup).then(startupPassed);
    given(started, startupPassed).when(passStartup).thenNothing();
    given(started, startupPassed, started).when(passStartup).then(startupPassed);
    given(started, startupPassed, stopped).when(passStartup).thenNothing();
    given().when(passStartup).thenNothing();
  });

  it('says when its failure turns out to be that of another service, and once', () => {
    const inherited = { origin: 'ledger', path: ['billing', 'ledger'] };
    const told = { ...crossing('unhealthy'), inherited };
    const tell: CheckCommand = { type: 'CrossThreshold', data: told, at };
    const event: CheckEvent = { type: 'HealthChanged', data: told };
    given(started, changed('unhealthy')).when(tell).then(event);
    given(started, changed('unhealthy'), event).when(tell).thenNothing();
    given(started, event).when(cross('unhealthy')).then(changed('unhealthy'));
  });

  it('says when it is unhealthy for another reason', () => {
    const because = (reason: 'not-ready' | 'needs-restart') => ({
      ...crossing('unhealthy'),
      phase: 'readiness' as const,
      reason,
    });
    const crossed = (reason: 'not-ready' | 'needs-restart'): CheckEvent => ({
      type: 'HealthChanged',
      data: because(reason),
    });
    const dead: CheckCommand = { type: 'CrossThreshold', data: because('needs-restart'), at };
    given(started, crossed('not-ready')).when(dead).then(crossed('needs-restart'));
    given(started, crossed('needs-restart')).when(dead).thenNothing();
    given(started, changed('healthy'), crossed('needs-restart'))
      .when(cross('healthy'))
      .then(changed('healthy'));
  });
});
