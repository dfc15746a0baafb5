import type { RecordedEvent } from '@downbeat/eventsourcing';
import {
  alertReplayer,
  alertRuleReplayer,
  deliveryReplayer,
  receiverReplayer,
  silenceReplayer,
} from './alert.replayers';
import type { Replayer } from './replayer';

const at = '2026-03-01T09:30:00.000Z';
const later = '2026-03-01T09:30:01.000Z';
const said = {
  ...{ alert_id: 'a', rule_id: 'r', summary: 's', severity: 'warning', metric: 'service_down' },
  ...{ subject: 'x', value: 1, reason: 'it is', since: at, observed_position: 3 },
};
const settings = {
  ...{ url: 'https://x.example', secret: { $secret: { ref: 'env:ALERTS_SECRET_X' } } },
  ...{ severity_min: 'info', is_told_of_resolved: true, is_enabled: true },
};
const definition = {
  ...{ summary: 's', for_seconds: 0, severity: 'info', is_enabled: true },
  condition: { metric: 'service_down', comparison: 'above', threshold: 0 },
};
const going = { delivery_id: 'd', receiver_id: 'p', notices: ['a:1:fired'] };

type Told = readonly (readonly [string, object])[];
const STREAMS: readonly (readonly [string, Replayer, Told])[] = [
  [
    'an alert',
    alertReplayer,
    [
      ['AlertSilenced', { ...said, episode: 1, silence_id: 'q', at }],
      ['AlertFired', { ...said, episode: 1, receivers: ['p'], at }],
      ['AlertAcknowledged', { alert_id: 'a', episode: 1, at, note: 'mine' }],
      ['AlertResolved', { alert_id: 'a', reason: 'over', receivers: ['p'], episode: 1, at }],
      ['AlertFired', { ...said, episode: 2, receivers: [], at }],
    ],
  ],
  [
    'a rule',
    alertRuleReplayer,
    [
      ['AlertRuleDefined', { rule_id: 'r', definition, at }],
      ['AlertRuleChanged', { rule_id: 'r', definition: { ...definition, summary: 't' }, at }],
      ['AlertRuleRemoved', { rule_id: 'r', at }],
    ],
  ],
  [
    'a silence',
    silenceReplayer,
    [
      ['SilenceStarted', { silence_id: 'q', matchers: {}, ends_at: later, reason: 'r', at }],
      ['SilenceEnded', { silence_id: 'q', at }],
    ],
  ],
  [
    'a receiver',
    receiverReplayer,
    [
      ['ReceiverSet', { receiver_id: 'p', settings, at }],
      ['ReceiverTested', { receiver_id: 'p', outcome: { is_delivered: false }, at }],
      ['ReceiverRemoved', { receiver_id: 'p', at }],
    ],
  ],
  [
    'a delivery',
    deliveryReplayer,
    [
      ['WebhookPrepared', { ...going, at }],
      [
        'WebhookAttemptFailed',
        { delivery_id: 'd', attempt: 1, reason: 'HTTP 503', retry_at: later, at },
      ],
      ['WebhookDelivered', { ...going, attempts: 2, status: 204, at }],
    ],
  ],
  [
    'a delivery that was given up',
    deliveryReplayer,
    [
      ['WebhookPrepared', { ...going, at }],
      ['WebhookFailed', { ...going, attempts: 1, reason: 'removed', is_final: true, at }],
    ],
  ],
];

async function replayed(replayer: Replayer, told: Told): Promise<readonly boolean[]> {
  const replay = replayer.begin();
  const found: boolean[] = [];
  for (const [type, data] of told)
    found.push((await replay.apply([{ type, data } as RecordedEvent])).isSame);
  return found;
}

describe('the stream of', () => {
  it.each(STREAMS)('%s is decided again from its events alone', async (_, replayer, told) =>
    expect(await replayed(replayer, told)).toEqual(told.map(() => true)),
  );

  it.each(STREAMS)('%s shows that it was altered', async (_, replayer, told) => {
    const twice = [told.at(-1), told.at(-1)].flatMap((one) => (one ? [one] : []));
    expect(await replayed(replayer, [...told, ...twice])).toContain(false);
  });
});
