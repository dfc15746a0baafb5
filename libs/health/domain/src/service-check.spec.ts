import { instantOf } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { effectiveCheck, serviceCheck, type ServiceCheck } from './service-check';

const { given } = specification(serviceCheck);

const names = { service_name: 'billing' };
const often = { interval_ms: 100, timeout_ms: 50, failure_threshold: 1, success_threshold: 1 };
const change = (data: ServiceCheck) =>
  ({ type: 'ChangeServiceCheck', data: { ...names, ...data }, at: instantOf(0) }) as const;
const changed = (data: ServiceCheck) =>
  ({ type: 'ServiceCheckChanged', data: { ...names, ...data } }) as const;

describe('how a service wants its instances checked', () => {
  it('changes', () =>
    given()
      .when(change({ health_check: often }))
      .then(changed({ health_check: often })));

  it('stays as it is when told what already holds', () =>
    given(changed({ health_check: often }), changed({ health_check_endpoint: '/up' }))
      .when(change({ health_check_endpoint: '/up' }))
      .thenNothing());

  it('keeps what a change does not speak of', () => {
    const events = [changed({ health_check: often }), changed({ health_check_endpoint: '/up' })];
    expect(events.reduce(serviceCheck.evolve, serviceCheck.initialState)).toEqual({
      health_check: often,
      health_check_endpoint: '/up',
    });
  });
});

describe('the check of an instance', () => {
  const registered = { ...often, interval_ms: 5_000, url: 'http://[::1]:3000/health' };

  it('is as it was registered while its service says nothing', () => {
    expect(effectiveCheck(registered)).toEqual(registered);
    expect(effectiveCheck(registered, {})).toEqual(registered);
  });

  it('follows its service, at its own address', () => {
    expect(
      effectiveCheck(registered, { health_check: often, health_check_endpoint: '/up' }),
    ).toEqual({ ...often, url: 'http://[::1]:3000/up' });
  });
});
