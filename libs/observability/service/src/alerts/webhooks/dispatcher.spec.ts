import type { Clock, HostSettings } from '@downbeat/service-host';
import type { Receiver } from '@downbeat/observability-domain';
import { Logger } from '@nestjs/common';
import type { DeliveryLedger, Due } from './delivery-ledger';
import { Dispatcher } from './dispatcher';
import type { Webhooks } from './webhooks';

const due = (receiver_id: string): Due =>
  ({
    ...{ delivery_id: `to ${receiver_id}`, receiver_id, notices: [], attempts: 0 },
    settings: { receiver_id, is_enabled: true },
  }) as unknown as Due;

describe('the dispatcher, where what became of a webhook cannot be recorded', () => {
  const sent: string[] = [];
  const waiting = new Set(['on-call', 'sound']);
  const isRefused = { recording: true };
  const receiver = (receiver_id: string, ref: string, is_enabled = true) =>
    ({ receiver_id, is_enabled, secret: { $secret: { ref } } }) as unknown as Receiver;
  const receivers: Receiver[] = [];
  const ledger = {
    begin: () => Promise.resolve(),
    receivers: () => Promise.resolve(receivers),
    owed: () => Promise.resolve([]),
    due: () => Promise.resolve([...waiting].map(due)),
    noticesOf: () => Promise.resolve([]),
    record: ({ data }: { data: { delivery_id: string } }) => {
      if (isRefused.recording && data.delivery_id === 'to on-call')
        return Promise.reject(new Error('the log takes nothing'));
      waiting.delete(data.delivery_id.slice('to '.length));
      return Promise.resolve();
    },
  } as unknown as DeliveryLedger;
  const webhooks = {
    send: ({ receiver_id }: { receiver_id: string }) => {
      sent.push(receiver_id);
      return Promise.resolve({ isDelivered: true, status: 204 });
    },
  } as unknown as Webhooks;
  const settings = { environment: {} } as HostSettings;

  beforeEach(() => {
    jest.useFakeTimers();
    jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  it('sends it later and later, until it can, and others as ever', async () => {
    const clock = { now: () => Date.now() } as Clock;
    const dispatcher = new Dispatcher(ledger, webhooks, clock, settings);
    const times = () => sent.filter((one) => one === 'on-call').length;
    dispatcher.start();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(sent.filter((one) => one === 'sound')).toHaveLength(1);
    expect(times()).toBeGreaterThanOrEqual(4);
    expect(times()).toBeLessThanOrEqual(8);
    await jest.advanceTimersByTimeAsync(600_000);
    expect(times()).toBeGreaterThanOrEqual(12);
    isRefused.recording = false;
    const before = times();
    await jest.advanceTimersByTimeAsync(120_000);
    expect(times()).toBe(before + 1);
    await dispatcher.stop();
  });

  it('says at its start whose key is not one that is meant for alerts', async () => {
    receivers.push(
      receiver('sound', 'file:/run/secrets/alerts-on-call'),
      receiver('earlier', 'file:/run/secrets/pager'),
      receiver('off', 'file:/run/secrets/pager', false),
    );
    const dispatcher = new Dispatcher(
      ledger,
      webhooks,
      { now: () => Date.now() } as Clock,
      settings,
    );
    dispatcher.start();
    await jest.advanceTimersByTimeAsync(10_000);
    await dispatcher.stop();
    const said = jest
      .mocked(Logger.prototype.warn)
      .mock.calls.filter(([, text]) => /key/.test(text));
    expect(said).toEqual([
      [
        { receivers: ['earlier: file:/run/secrets/pager'] },
        expect.stringContaining('docs/alerts.md'),
      ],
    ]);
  });
});
