import type { Instant } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { alertDelivery, ATTEMPTS_MAX, type DeliveryEvent } from './alert-delivery';
import { alertReceiver, receiversOf, type Receiver, type ReceiverSettings } from './alert-receiver';
import { alertRule } from './alert-rule';
import { silence, silenceOf, type SilenceEvent } from './alert-silence';
import { builtInRules } from './built-in-rules';
import type { AlertRuleDefinition } from './words';

const at = '2026-03-01T09:30:00.000Z' as Instant;
const later = '2026-03-01T10:30:00.000Z' as Instant;

describe('a rule', () => {
  const { given } = specification(alertRule);
  const definition: AlertRuleDefinition = {
    summary: 'Memory',
    condition: { metric: 'process_memory_bytes', comparison: 'above', threshold: 1 },
    for_seconds: 1,
    severity: 'info',
    is_enabled: true,
  };
  const put = (rule_id: string, more: object = {}, expected_version?: number) =>
    ({
      type: 'PutAlertRule',
      data: { rule_id, definition: { ...definition, ...more }, expected_version },
      at,
    }) as const;
  const defined = { type: 'AlertRuleDefined', data: { rule_id: 'mine', definition, at } } as const;
  const remove = (rule_id: string) => ({ type: 'RemoveAlertRule', data: { rule_id }, at }) as const;

  it('is defined', () => given().when(put('mine')).then(defined));
  it('said again as it is changes nothing', () => given(defined).when(put('mine')).thenNothing());
  it('that is built in is changed', () =>
    given()
      .when(put('breaker-open'))
      .then({ type: 'AlertRuleChanged', data: { rule_id: 'breaker-open', definition, at } }));
  it('is not changed by who saw an older one', () =>
    given(defined)
      .when(put('mine', { severity: 'critical' }, 0))
      .thenRejected('alert-rule-changed'));
  it('is removed', () =>
    given(defined)
      .when(remove('mine'))
      .then({ type: 'AlertRuleRemoved', data: { rule_id: 'mine', at } }));
  it('that nobody said is not removed', () =>
    given().when(remove('breaker-open')).thenRejected('alert-rule-unknown'));
  it('has steps of severity only where more is worse', () =>
    given()
      .when(
        put('mine', {
          condition: { ...definition.condition, comparison: 'below' },
          severity_steps: [{ at_least: 1, severity: 'critical' }],
        }),
      )
      .thenRejected('invalid-alert-rule'));
  it.each(Object.entries(builtInRules))('%s, built in, has a runbook', (_, { runbook }) =>
    expect(runbook).toMatch(/^docs\/alerts\.md#/),
  );
});

describe('a silence', () => {
  const { given } = specification(silence);
  const matchers = { service_name: 'billing' };
  const start = {
    type: 'StartSilence',
    data: { silence_id: 's', matchers, minutes: 60, reason: 'r' },
    at,
  } as const;
  const started: SilenceEvent = {
    type: 'SilenceStarted',
    data: { silence_id: 's', matchers, ends_at: later, reason: 'r', at },
  };
  const end = (when: Instant) =>
    ({ type: 'EndSilence', data: { silence_id: 's' }, at: when }) as const;

  it('lasts as long as was said', () => given().when(start).then(started));
  it('ends before its time', () =>
    given(started)
      .when(end(at))
      .then({ type: 'SilenceEnded', data: { silence_id: 's', at } }));
  it('is not ended twice', () => given(started).when(end(later)).thenRejected('silence-over'));
  it('is not ended when there is none', () =>
    given().when(end(at)).thenRejected('silence-unknown'));

  const about = { rule_id: 'r', subject: 'x', severity: 'info', service_name: 'billing' } as const;
  const silences = [{ silence_id: 's', matchers, ends_at: later }];
  it('fits what all of it fits', () => {
    expect(silenceOf(silences, about, at)?.silence_id).toBe('s');
    expect(silenceOf(silences, about, later)).toBeUndefined();
    expect(silenceOf(silences, { ...about, service_name: 'shop' }, at)).toBeUndefined();
  });
});

describe('a receiver', () => {
  const { given } = specification(alertReceiver);
  const settings: ReceiverSettings = {
    url: 'https://pager.example.com',
    secret: { $secret: { ref: 'env:ALERTS_SECRET_X' } },
    severity_min: 'warning',
    is_told_of_resolved: true,
    is_enabled: true,
  };
  const set = { type: 'ReceiverSet', data: { receiver_id: 'p', settings, at } } as const;
  const put = (expected_version?: number) =>
    ({ type: 'PutReceiver', data: { receiver_id: 'p', settings, expected_version }, at }) as const;
  it('is set once', () => {
    given().when(put(0)).then(set);
    given(set).when(put()).thenNothing();
    given(set).when(put(0)).thenRejected('alert-receiver-changed');
  });
  it('that is removed is unknown', () =>
    given(set, { type: 'ReceiverRemoved', data: { receiver_id: 'p', at } })
      .when({ type: 'RemoveReceiver', data: { receiver_id: 'p' }, at })
      .thenRejected('alert-receiver-unknown'));

  const receivers: readonly Receiver[] = [
    { receiver_id: 'b', ...settings },
    { receiver_id: 'a', ...settings, severity_min: 'critical' },
    { receiver_id: 'c', ...settings, rule_ids: ['other'] },
    { receiver_id: 'd', ...settings, is_enabled: false },
  ];
  it.each([
    ['info', []],
    ['warning', ['b']],
    ['critical', ['a', 'b']],
  ] as const)('is told of what is %s when it asked for that', (severity, told) =>
    expect(receiversOf(receivers, 'mine', severity)).toEqual(told),
  );
});

describe('a delivery', () => {
  const { given } = specification(alertDelivery);
  const about = { delivery_id: 'd', receiver_id: 'p', notices: ['a:1:fired'] };
  const prepared: DeliveryEvent = { type: 'WebhookPrepared', data: { ...about, at } };
  const failure = (attempt: number, is_final = false) =>
    ({
      type: 'RecordFailure',
      data: { delivery_id: 'd', attempt, reason: 'HTTP 500', is_final },
      at,
    }) as const;
  const failed = (attempt: number): DeliveryEvent => ({
    type: 'WebhookAttemptFailed',
    data: { delivery_id: 'd', attempt, reason: 'HTTP 500', retry_at: at, at },
  });
  const all = Array.from({ length: ATTEMPTS_MAX - 1 }, (_, index) => failed(index + 1));

  it('is prepared once, whoever prepares it', () => {
    const prepare = { type: 'PrepareDelivery', data: about, at } as const;
    given().when(prepare).then(prepared);
    given(prepared).when(prepare).thenNothing();
  });
  it('is tried again later', () =>
    given(prepared)
      .when(failure(1))
      .then({
        type: 'WebhookAttemptFailed',
        data: {
          delivery_id: 'd',
          attempt: 1,
          reason: 'HTTP 500',
          retry_at: '2026-03-01T09:30:01.000Z' as Instant,
          at,
        },
      }));
  it('counts an attempt once', () => given(prepared, failed(1)).when(failure(1)).thenNothing());
  it('is given up in the end, as a fact', () =>
    given(prepared, ...all)
      .when(failure(ATTEMPTS_MAX))
      .then({
        type: 'WebhookFailed',
        data: { ...about, attempts: ATTEMPTS_MAX, reason: 'HTTP 500', is_final: false, at },
      }));
  it('is given up at once when nothing can help', () =>
    given(prepared)
      .when(failure(1, true))
      .then({
        type: 'WebhookFailed',
        data: { ...about, attempts: 1, reason: 'HTTP 500', is_final: true, at },
      }));
  it('ends once', () => {
    const record = { type: 'RecordDelivery', data: { delivery_id: 'd', status: 204 }, at } as const;
    const delivered: DeliveryEvent = {
      type: 'WebhookDelivered',
      data: { ...about, attempts: 1, status: 204, at },
    };
    given(prepared).when(record).then(delivered);
    given(prepared, delivered).when(record).thenNothing();
    given(prepared, delivered).when(failure(2)).thenNothing();
  });
});
