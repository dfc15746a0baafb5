import { Fault } from '@downbeat/eventsourcing';
import { silentLog, type BusLog } from '../bus-log';
import { BusMetrics } from '../bus-metrics';
import type { MessageHeaders } from '../headers';
import type { Subscription } from '../message-bus';
import { deadLetter, done, retry } from '../settlement';
import { MemoryDeadLetters } from '../testing/memory-dead-letters';
import { currentStory, traceparentOf, type Story } from '../tracing';
import { deliveryOf, type Arrival } from './arrival';
import { Settler } from './settler';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const headers = { 'Nats-Msg-Id': 'c-1', 'Downbeat-Correlation-Id': 'order-1', traceparent };
const story: Story = { traceparent, correlationId: 'order-1' };

class Broken extends Fault {
  override readonly name = 'Broken';
  readonly code = 'test/broken';
  readonly remedy = 'give-up';
}

describe('a message that is to come again', () => {
  /** Milliseconds after which the server gives it out again. */
  const comesBackAfter = async (deliveries: number, askedMs?: number): Promise<number[]> => {
    const asked: number[] = [];
    const subscription = {
      ...{ durable: 'd', subject: 'command.registry.>' },
      handle: () => Promise.resolve(retry('not now', askedMs)),
    };
    const settler = new Settler({
      ...{ subscription, deadLetters: new MemoryDeadLetters(), metrics: new BusMetrics() },
      backOff: { firstMs: 250, maxMs: 30_000 },
      log: silentLog,
      random: () => 1,
    });
    const arrival: Arrival = {
      ...{ stream: 's', streamCreated: 'then', sequence: 7, deliveries, headers },
      subject: 'command.registry.RegisterService.billing',
      body: Buffer.from('{}'),
      ack: () => undefined,
      nak: (delayMs) => void asked.push(delayMs),
      working: () => undefined,
      answer: () => undefined,
      isAwaited: () => false,
    };
    await settler.settle({ sequence: 7, arrival, delivery: deliveryOf(arrival) });
    return asked;
  };

  it('waits longer each time, and never less than its handler asks for', async () => {
    expect(await comesBackAfter(1)).toEqual([250]);
    expect(await comesBackAfter(6)).toEqual([8_000]);
    expect(await comesBackAfter(1, 2_000)).toEqual([2_000]);
    expect(await comesBackAfter(6, 2_000)).toEqual([8_000]);
    expect(await comesBackAfter(6, 12_000)).toEqual([12_000]);
  });
});

describe('what the log says of a message', () => {
  let lines: { readonly message: string; readonly story: Story | undefined }[];
  beforeEach(() => {
    lines = [];
  });
  const tell = (message: string) => void lines.push({ message, story: currentStory() });
  const log: BusLog = { info: tell, warn: tell, error: tell };

  const settle = (
    handle: Subscription['handle'],
    { text = '{}', given = headers as MessageHeaders, ...more }: Partial<Given> = {},
  ) => {
    const deadLetters = more.deadLetters ?? new MemoryDeadLetters();
    const subscription = {
      durable: 'd',
      subject: 'command.registry.>',
      handle,
      deliveriesMax: 3,
      handlerTimeoutMs: 10,
    };
    const settler = new Settler({
      subscription,
      deadLetters,
      backOff: { firstMs: 1, maxMs: 1 },
      metrics: new BusMetrics(),
      log,
      random: () => 0,
    });
    const arrival: Arrival = {
      stream: 's',
      streamCreated: 'then',
      sequence: 7,
      deliveries: more.deliveries ?? 1,
      subject: 'command.registry.RegisterService.billing',
      headers: given,
      body: Buffer.from(text),
      ack: more.ack ?? (() => undefined),
      nak: () => undefined,
      working: () => undefined,
      answer: () => undefined,
      isAwaited: () => true,
    };
    return settler.settle({ sequence: 7, arrival, delivery: deliveryOf(arrival) });
  };
  interface Given {
    readonly text: string;
    readonly given: MessageHeaders;
    readonly deliveries: number;
    readonly deadLetters: MemoryDeadLetters;
    readonly ack: () => void;
  }

  const quarantined = 'a message was quarantined';
  const unhandled = () => Promise.reject(new Error('not to be called'));

  it.each<[string, Subscription['handle'], Partial<Given>]>([
    ['its handler says so', () => Promise.resolve(deadLetter('no')), {}],
    ['it failed too often', () => Promise.resolve(retry('no')), { deliveries: 3 }],
    ['its handler did not end', () => new Promise(() => undefined), { deliveries: 3 }],
    ['it was delivered too often', unhandled, { deliveries: 4 }],
  ])('is found by its ids when it is set aside because %s', async (_, handle, given) => {
    await settle(handle, given);
    expect(lines).toEqual([{ message: quarantined, story }]);
  });

  it('is found by its ids when its handler threw for good', async () => {
    await settle(() => Promise.reject(new Broken('for good')));
    expect(lines.at(-1)).toEqual({ message: quarantined, story });
  });

  it('is found by the ids that its dead letter has when it says nothing', async () => {
    const deadLetters = new MemoryDeadLetters();
    await settle(unhandled, { text: '{', deadLetters });
    const [letter] = deadLetters.letters;
    expect(lines).toEqual([
      { message: quarantined, story: { traceparent, correlationId: letter?.correlation_id } },
    ]);
  });

  it('goes on with the trace that its handler began', async () => {
    let begun: string | undefined;
    await settle(
      (delivery) => {
        begun = delivery.traceparent;
        return Promise.resolve(deadLetter('no'));
      },
      { given: { 'Nats-Msg-Id': 'c-1' } },
    );
    expect(traceparentOf(begun)).toBeDefined();
    expect(lines).toEqual([
      { message: quarantined, story: { traceparent: begun, correlationId: 'c-1' } },
    ]);
  });

  it('is said with the redrive whose copy it was', async () => {
    const redriveIn = async (given: MessageHeaders): Promise<number | undefined> => {
      const deadLetters = new MemoryDeadLetters();
      await settle(() => Promise.resolve(deadLetter('no')), { given, deadLetters });
      return deadLetters.letters[0]?.redrive;
    };
    const copy = (id: string) => ({ 'Downbeat-Dead-Letter': 'l-1', 'Nats-Msg-Id': id });
    expect(await redriveIn({ 'Nats-Msg-Id': 'l-1:2' })).toBeUndefined();
    expect(await redriveIn(copy('l-1:2'))).toBe(2);
    for (const odd of ['l-2:2', 'l-1', 'l-1:', 'l-1:NaN', 'l-1:2:3'])
      expect(await redriveIn(copy(odd))).toBeUndefined();
  });

  it('is found by its ids when it cannot be set aside', async () => {
    const deadLetters = new MemoryDeadLetters();
    deadLetters.quarantine = () => Promise.reject(new Error('no database'));
    await settle(() => Promise.resolve(deadLetter('no')), { deadLetters });
    expect(lines).toEqual([{ message: 'a message could not be quarantined and stays', story }]);
  });

  it('is nothing when all went well', async () => {
    await settle(() => Promise.resolve(done()));
    expect(lines).toEqual([]);
  });
});
