import type { Instant } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { alert, type AlertEvent, type AlertSaid, type RaiseAlert } from './alert';

const { given } = specification(alert);
const at = '2026-03-01T09:30:00.000Z' as Instant;
const said: AlertSaid = {
  alert_id: 'a-1',
  rule_id: 'breaker-open',
  summary: 'The way to a service is closed',
  severity: 'warning',
  metric: 'breaker_open_seconds',
  subject: 'shop -> billing',
  value: 130,
  reason: 'it is 130',
  since: at,
  observed_position: 7,
};
const raise = (more: Partial<RaiseAlert['data']> = {}): RaiseAlert => ({
  type: 'RaiseAlert',
  data: { ...said, receivers: ['on-call'], ...more },
  at,
});
const fired = (episode = 1): AlertEvent => ({
  type: 'AlertFired',
  data: { ...said, receivers: ['on-call'], episode, at },
});
const silenced: AlertEvent = {
  type: 'AlertSilenced',
  data: { ...said, episode: 1, silence_id: 's-1', at },
};
const settle = (receivers: readonly string[] = ['on-call', 'other']) =>
  ({
    type: 'SettleAlert',
    data: { alert_id: 'a-1', reason: 'it is 0 now', receivers },
    at,
  }) as const;
const resolved = (receivers: readonly string[] = ['on-call'], episode = 1): AlertEvent => ({
  type: 'AlertResolved',
  data: { alert_id: 'a-1', reason: 'it is 0 now', receivers, episode, at },
});
const acknowledge = (more = {}) =>
  ({ type: 'AcknowledgeAlert', data: { alert_id: 'a-1', ...more }, at }) as const;
const acknowledged: AlertEvent = {
  type: 'AlertAcknowledged',
  data: { alert_id: 'a-1', episode: 1, at, note: 'mine' },
};

describe('an alert', () => {
  it('fires with what was seen', () => given().when(raise()).then(fired()));
  it('fires once, however often it is seen', () => given(fired()).when(raise()).thenNothing());
  it('is only seen during a silence', () =>
    given()
      .when(raise({ silence_id: 's-1' }))
      .then(silenced));
  it('stays silent while the silence lasts', () =>
    given(silenced)
      .when(raise({ silence_id: 's-1' }))
      .thenNothing());
  it('fires when the silence is over, as the same episode', () =>
    given(silenced).when(raise()).then(fired()));
  it('that fires goes on when a silence begins', () =>
    given(fired())
      .when(raise({ silence_id: 's-1' }))
      .thenNothing());
  it('resolves, and tells those who were told', () =>
    given(fired()).when(settle()).then(resolved()));
  it('that nobody was told of resolves without a word', () =>
    given(silenced).when(settle()).then(resolved([])));
  it('resolves once', () => given(fired(), resolved()).when(settle()).thenNothing());
  it('fires again for another time', () => given(fired(), resolved()).when(raise()).then(fired(2)));
  it('is acknowledged', () =>
    given(fired())
      .when(acknowledge({ note: 'mine' }))
      .then(acknowledged));
  it('is acknowledged once', () => given(fired(), acknowledged).when(acknowledge()).thenNothing());
  it('is not acknowledged by who means another time', () =>
    given(fired(), resolved(), fired(2))
      .when(acknowledge({ episode: 1 }))
      .thenRejected('alert-changed'));
  it('is not acknowledged when it is over', () =>
    given(fired(), resolved()).when(acknowledge()).thenRejected('alert-not-firing'));
  it('is not known before it fires', () =>
    given().when(acknowledge()).thenRejected('alert-unknown'));
  it('has to be acknowledged anew when it fires again', () =>
    given(fired(), acknowledged, resolved(), fired(2))
      .when(acknowledge({ episode: 2 }))
      .then({ type: 'AlertAcknowledged', data: { alert_id: 'a-1', episode: 2, at } }));
});
