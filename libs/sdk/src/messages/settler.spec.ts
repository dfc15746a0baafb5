import { z } from 'zod';
import type { Arrival } from './arrival';
import { Acknowledger } from './acknowledger';
import type { MessageEvent } from './events';
import { Settler } from './settler';
import { SuiteRefused, SuiteSilent } from './suite-desk';
import { MessageRefused, topic, type HandleMessage } from './topic';
import { NatsUnavailable } from '../nats/nats-link';

const limits = {
  inFlightMax: 1,
  deliveriesMax: 3,
  handlerTimeoutMs: 1_000,
  retryDelayFirstMs: 100,
  retryDelayMaxMs: 1_000,
};
const arrival = (more: Partial<Arrival> & { body?: string } = {}): Arrival => ({
  topic: 'paid',
  priority: 'normal',
  streamCreated: 'life-1',
  sequence: 7,
  deliveries: 1,
  isRedriven: false,
  publishedAt: new Date(0),
  headers: { 'downbeat-message-id': 'm-1' },
  data: Buffer.from(more.body ?? '{"n":1}'),
  reply: '$JS.ACK.message.c.1.7.1.0.0',
  ...more,
});

const settled = async (
  given: Arrival,
  handle: HandleMessage<unknown>,
  suite: { quarantine?: () => Promise<string>; confirm?: () => Promise<void> } = {},
) => {
  const told: string[] = [];
  const events: MessageEvent[] = [];
  const settler = new Settler(
    { topic: topic('paid', z.object({ n: z.number() })), handle, limits },
    {
      acks: {
        ack: () => told.push('ack'),
        term: () => told.push('term'),
        nak: (_, delayMs) => told.push(delayMs > 0 && delayMs <= 30_000 ? 'nak' : `${delayMs}`),
      },
      desk: {
        quarantine: async (_, reason) => {
          const id = await (suite.quarantine?.() ?? Promise.resolve('letter'));
          told.push(`letter: ${reason}`);
          return id;
        },
        confirm: async () => {
          await suite.confirm?.();
          told.push('confirm');
        },
      },
      tell: (event) => events.push(event),
      onDefect: (_, defect) => told.push(`defect: ${String(defect)}`),
    },
  );
  await settler.settle(given);
  return { told, events: events.map(({ type }) => type) };
};
const fails = () => {
  throw new Error('no');
};

describe('a message', () => {
  it('is acknowledged after its handler, not before', async () => {
    const order: string[] = [];
    const { told } = await settled(arrival(), async () => {
      await new Promise(setImmediate);
      order.push('handled');
    });
    expect([order, told]).toEqual([['handled'], ['ack']]);
  });

  it.each<[string, Arrival, HandleMessage<unknown>, readonly string[]]>([
    ['comes again when its handler fails', arrival(), fails, ['defect: Error: no', 'nak']],
    [
      'is a dead letter at its last failure',
      arrival({ deliveries: 3 }),
      fails,
      ['defect: Error: no', 'letter: gave up after 3 deliveries: no', 'ack'],
    ],
    [
      'is a dead letter at once when it is refused',
      arrival(),
      () => {
        throw new MessageRefused('sold out');
      },
      ['letter: sold out', 'ack'],
    ],
    [
      'is a dead letter unrun when it was delivered too often',
      arrival({ deliveries: 4 }),
      () => process.exit(1),
      ['letter: delivered 4 times without an end, at most 3 allowed', 'ack'],
    ],
    [
      'is confirmed before it is acknowledged when it was a dead letter',
      arrival({ isRedriven: true }),
      () => undefined,
      ['confirm', 'ack'],
    ],
  ])('%s', async (_, given, handle, expected) =>
    expect((await settled(given, handle)).told).toEqual(expected),
  );

  it.each(['', '{', '{"n":"x"}', '[]', '{"n":1,"__proto__":{}}'])(
    'that says %j is a dead letter, and no handler sees it',
    async (body) => {
      const handle = jest.fn();
      const { told } = await settled(arrival({ body }), handle);
      expect([told[0], told[1]]).toEqual([expect.stringMatching(/^letter: \S/), 'ack']);
      expect(handle).not.toHaveBeenCalled();
    },
  );

  it('is not acknowledged while nobody has taken it as a dead letter', async () => {
    const silent = { quarantine: () => Promise.reject(new SuiteSilent('away')) };
    const waiting = await settled(arrival({ deliveries: 4 }), fails, silent);
    expect(waiting).toEqual({ told: ['nak'], events: ['dead-letter-waits'] });
    const broken = { quarantine: () => Promise.reject(new Error('a bug')) };
    const buggy = await settled(arrival({ deliveries: 4 }), fails, broken);
    expect(buggy.told).toEqual(['defect: Error: a bug', 'nak']);
    const unsure = { confirm: () => Promise.reject(new SuiteSilent('away')) };
    const redriven = await settled(arrival({ isRedriven: true }), () => undefined, unsure);
    expect(redriven.told).toEqual(['nak']);
  });

  it('that is gone from its stream is let go', async () => {
    const gone = { quarantine: () => Promise.reject(new SuiteRefused('message-gone', 'gone')) };
    const given = arrival({ deliveries: 4 });
    expect(await settled(given, fails, gone)).toEqual({ told: ['ack'], events: ['message-gone'] });
  });

  it('comes again when its handler hangs, which is told that its time is over', async () => {
    jest.useFakeTimers();
    let aborted = false;
    const settling = settled(
      arrival(),
      (_, { signal }) =>
        new Promise(() => signal.addEventListener('abort', () => (aborted = true))),
    );
    await jest.advanceTimersByTimeAsync(1_000);
    expect([(await settling).told, aborted]).toEqual([['nak'], true]);
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });
});

describe('an acknowledgement', () => {
  const said: string[] = [];
  let isConnected: boolean;
  const acks = () =>
    new Acknowledger({
      publish: (_, body) => {
        if (!isConnected) throw new NatsUnavailable('away');
        said.push(body);
      },
    });
  beforeEach(() => {
    said.length = 0;
    isConnected = true;
  });

  it('is never given to another life of the stream', () => {
    const one = acks();
    one.know('life-1');
    one.ack(arrival());
    one.doubt();
    one.ack(arrival());
    one.know('life-2');
    one.ack(arrival());
    one.working(arrival());
    expect(said).toEqual(['+ACK']);
  });

  it('waits while it is not known which life is there, or nobody is', () => {
    const one = acks();
    one.know('life-1');
    one.doubt();
    one.ack(arrival());
    one.nak(arrival(), 0.2);
    one.working(arrival());
    expect(said).toEqual([]);
    isConnected = false;
    one.know('life-1');
    isConnected = true;
    one.know('life-1');
    expect(said).toEqual(['+ACK', '-NAK {"delay":1000000}']);
  });
});
