import type { Instant } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { breakerControl, type BreakerCommand, type BreakerControlEvent } from './breaker-control';

const { given } = specification(breakerControl);
const at = '2026-03-01T09:30:00.000Z' as Instant;
const until = '2026-03-01T09:45:00.000Z' as Instant;
const expired = '2026-03-01T09:45:00.000Z' as Instant;
const named = {
  breaker_id: '3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21',
  service_name: 'shop',
  target_service: 'billing',
  endpoint_pattern: '*',
};
const settings = { failure_threshold: 5, success_threshold: 3, timeout_duration: 60 };
const other = { ...settings, timeout_duration: 30 };
const reason = 'billing is being moved';

const create = (to: typeof settings): BreakerCommand => ({
  type: 'CreateBreaker',
  data: { ...named, settings: to },
  at,
});
const change = (to: typeof settings): BreakerCommand => ({
  type: 'ChangeBreaker',
  data: { ...named, settings: to },
  at,
});
const remove: BreakerCommand = { type: 'RemoveBreaker', data: named, at };
const reset = (force: boolean, when = at): BreakerCommand => ({
  type: 'ResetBreaker',
  data: { ...named, reason, force },
  at: when,
});
const force: BreakerCommand = {
  type: 'ForceBreaker',
  data: { ...named, mode: 'forced_open', expires_in_seconds: 900, reason },
  at,
};
const release = (when = at): BreakerCommand => ({
  type: 'ReleaseBreaker',
  data: { ...named, reason },
  at: when,
});

const created: BreakerControlEvent = { type: 'BreakerCreated', data: { ...named, settings, at } };
const removed: BreakerControlEvent = { type: 'BreakerRemoved', data: { ...named, at } };
const wasReset = (order_no: number, forced: boolean, when = at): BreakerControlEvent => ({
  type: 'BreakerResetOrdered',
  data: { ...named, order_no, reason, force: forced, at: when },
});
const wasForced = (order_no: number): BreakerControlEvent => ({
  type: 'BreakerForceOrdered',
  data: { ...named, order_no, mode: 'forced_open', until, reason, at },
});
const released = (order_no: number): BreakerControlEvent => ({
  type: 'BreakerReleaseOrdered',
  data: { ...named, order_no, reason, at },
});

describe('the settings of a breaker', () => {
  it('are made once', () => {
    given().when(create(settings)).then(created);
    given(created).when(create(settings)).thenNothing();
    given(created).when(create(other)).thenRejected('breaker-exists');
  });
  it('are changed when they are other ones', () => {
    given(created)
      .when(change(other))
      .then({ type: 'BreakerChanged', data: { ...named, settings: other, at } });
    given(created).when(change(settings)).thenNothing();
    given().when(change(other)).thenRejected('breaker-without-settings');
  });
  it('are removed, and can be made again', () => {
    given(created).when(remove).then(removed);
    given(created, removed).when(remove).thenRejected('breaker-without-settings');
    given(created, removed)
      .when(create(other))
      .then({ type: 'BreakerCreated', data: { ...named, settings: other, at } });
  });
});

describe('orders for a breaker', () => {
  it('are numbered, whatever they are', () => {
    given().when(reset(false)).then(wasReset(1, false));
    given(wasReset(1, false)).when(force).then(wasForced(2));
    given(wasReset(1, false), wasForced(2)).when(release()).then(released(3));
  });
  it('to reset what is forced say so', () => {
    given(wasForced(1)).when(reset(false)).thenRejected('breaker-forced');
    given(wasForced(1)).when(reset(true)).then(wasReset(2, true));
    given(wasForced(1), released(2)).when(reset(false)).then(wasReset(3, false));
  });
  it('know when what was forced has ended', () => {
    given(wasForced(1))
      .when(reset(false, expired))
      .then(wasReset(2, false, expired));
    given(wasForced(1)).when(release(expired)).thenRejected('breaker-not-forced');
  });
  it('to release need something forced', () => {
    given().when(release()).thenRejected('breaker-not-forced');
    given(wasForced(1), wasReset(2, true)).when(release()).thenRejected('breaker-not-forced');
  });
});
