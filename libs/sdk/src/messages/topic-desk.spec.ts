import { AgainBytes } from './again-bytes';
import type { Arrival } from './arrival';
import type { Settled } from './settler';
import { Suspects } from './suspects';
import { TopicDesk } from './topic-desk';

const arrival = (sequence: number, more: Partial<Arrival> = {}): Arrival => ({
  topic: 'paid',
  priority: 'normal',
  streamCreated: 'life-1',
  sequence,
  deliveries: 1,
  isRedriven: false,
  publishedAt: new Date(0),
  headers: {},
  data: Buffer.alloc(0),
  reply: '',
  ...more,
});

class Handlers {
  readonly begun: number[] = [];
  isBroken = false;
  private readonly ends = new Map<number, (settled: Settled) => void>();

  settle = ({ sequence }: Arrival): Promise<Settled> => {
    this.begun.push(sequence);
    if (this.isBroken) return Promise.reject(new Error('settle'));
    return new Promise((resolve) => this.ends.set(sequence, resolve));
  };

  async end(sequence: number, how: Settled = 'ended'): Promise<void> {
    this.ends.get(sequence)?.(how);
    await new Promise(setImmediate);
  }
}

describe('the messages of a topic', () => {
  let handlers: Handlers;
  let desk: TopicDesk;
  let suspects: Suspects;
  let againBytes: AgainBytes;
  let defects: string[];
  let pulled: number;
  let isPullBroken = false;
  beforeEach(() => {
    handlers = new Handlers();
    pulled = 0;
    defects = [];
    suspects = new Suspects();
    againBytes = new AgainBytes();
    desk = deskOf('paid', 2);
  });
  const deskOf = (topic: string, inFlightMax: number): TopicDesk =>
    new TopicDesk({
      topic,
      inFlightMax,
      settler: handlers,
      suspects,
      againBytes,
      onRoom: () => {
        if (pulled++ === 0 && isPullBroken) throw new Error('pull');
      },
      onDefect: (_, defect) => defects.push(String(defect)),
    });

  it('are handled as many at once as may be, and make room one by one', async () => {
    for (const sequence of [1, 2, 3]) desk.add(arrival(sequence));
    expect([handlers.begun, desk.room('normal'), desk.room('low')]).toEqual([[1, 2], 1, 2]);
    await handlers.end(2);
    expect([handlers.begun, pulled]).toEqual([[1, 2, 3], 1]);
    expect(desk.room('normal')).toBeGreaterThanOrEqual(2);
  });

  it('are held once, however often they are given out', async () => {
    desk.add(arrival(1));
    desk.add(arrival(1, { deliveries: 2 }));
    expect([handlers.begun, [...desk.all()].length]).toEqual([[1], 1]);
    await handlers.end(1, 'comes-again');
    desk.add(arrival(1, { deliveries: 2 }));
    expect(handlers.begun).toEqual([1, 1]);
  });

  it('go one at a time when they are suspect, beside others, until the last', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
    for (const sequence of [4, 5, 6]) desk.add(arrival(sequence, { deliveries: 4 }));
    expect(handlers.begun).toEqual([]);
    jest.advanceTimersByTime(100);
    expect(handlers.begun).toEqual([4]);
    desk.add(arrival(1));
    expect(handlers.begun).toEqual([4, 1]);
    await handlers.end(4);
    await handlers.end(5);
    await handlers.end(6);
    expect(handlers.begun).toEqual([4, 1, 5, 6]);
    await handlers.end(1);
    await desk.idle(0);
    expect([...desk.all()]).toEqual([]);
    jest.useRealTimers();
  });

  it('go one at a time when they are suspect, whatever their topic', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
    const other = deskOf('sent', 2);
    desk.add(arrival(4, { deliveries: 4 }));
    other.add(arrival(5, { deliveries: 4, topic: 'sent' }));
    other.add(arrival(6, { deliveries: 4, topic: 'sent' }));
    jest.advanceTimersByTime(100);
    other.add(arrival(1, { topic: 'sent' }));
    expect(handlers.begun).toEqual([4, 1]);
    await handlers.end(4);
    expect(handlers.begun).toEqual([4, 1, 5]);
    await handlers.end(5);
    expect(handlers.begun).toEqual([4, 1, 5, 6]);
    jest.useRealTimers();
  });

  it('that come again leave room and places to those that come for the first time', async () => {
    for (const sequence of [1, 2, 3, 4]) desk.add(arrival(sequence, { deliveries: 2 }));
    for (const sequence of [5, 6]) desk.add(arrival(sequence, { deliveries: 4 }));
    expect([handlers.begun, desk.room('normal')]).toEqual([[1], 2]);
    for (const sequence of [7, 8]) desk.add(arrival(sequence));
    expect(handlers.begun).toEqual([1, 7]);
    await handlers.end(7);
    expect(handlers.begun).toEqual([1, 7, 8]);
    expect(desk.clear()).toHaveLength(5);
  });

  it('that come again close the room when they are very large together', async () => {
    const data = Buffer.alloc(2 ** 20);
    for (let sequence = 1; sequence <= 32; sequence++) {
      expect(desk.room('low')).toBe(2);
      desk.add(arrival(sequence, { deliveries: 2, data }));
    }
    expect(desk.room('low')).toBe(0);
    await handlers.end(1, 'comes-again');
    expect([desk.room('low'), desk.clear().length]).toEqual([2, 30]);
  });

  it('that come again close the room of a topic also for what another holds, but for its own part', () => {
    const other = deskOf('sent', 2);
    const data = Buffer.alloc(2 ** 20);
    for (let sequence = 1; sequence <= 16; sequence++)
      desk.add(arrival(sequence, { deliveries: 2, data }));
    expect([desk.room('low'), other.room('low')]).toEqual([2, 2]);
    for (let sequence = 17; sequence <= 31; sequence++)
      other.add(arrival(sequence, { deliveries: 2, data, topic: 'sent' }));
    expect([desk.room('low'), other.room('low')]).toEqual([2, 2]);
    other.add(arrival(32, { deliveries: 2, data, topic: 'sent' }));
    expect([desk.room('low'), other.room('low')]).toEqual([0, 0]);
    other.clear();
    expect([desk.room('low'), other.room('low')]).toEqual([2, 2]);
  });

  it('that come again leave some of their priority to other instances when they are very many', async () => {
    for (let sequence = 1; sequence <= 256; sequence++) {
      expect(desk.room('normal')).toBe(2);
      desk.add(arrival(sequence, { deliveries: sequence % 2 === 0 ? 2 : 4 }));
    }
    expect([desk.room('normal'), desk.room('high')]).toEqual([0, 2]);
    await handlers.end(2);
    expect(desk.room('normal')).toBe(2);
    desk.clear();
  });

  it.each([
    ['the settling', () => (handlers.isBroken = true)],
    ['the pulling', () => (isPullBroken = true)],
  ])('make room also when %s fails as nobody foresaw', async (_, breakIt) => {
    breakIt();
    for (const sequence of [1, 2, 3]) desk.add(arrival(sequence));
    for (const sequence of [1, 2, 3]) await handlers.end(sequence);
    await new Promise(setImmediate);
    expect([handlers.begun, [...desk.all()], defects.length]).toEqual([
      [1, 2, 3],
      [],
      handlers.isBroken ? 3 : 1,
    ]);
    isPullBroken = false;
  });

  it('are given back when they have not been begun, and waited for when they have, for a while', async () => {
    for (const sequence of [1, 2, 3]) desk.add(arrival(sequence));
    expect(desk.clear().map(({ sequence }) => sequence)).toEqual([3]);
    await desk.idle(5);
    const idle = desk.idle(60_000);
    await handlers.end(1);
    await handlers.end(2);
    await idle;
    expect([...desk.all()]).toEqual([]);
  });
});
