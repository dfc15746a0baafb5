import {
  MemoryEventStore,
  MemoryLog,
  appendOf,
  eventually,
  freshStream,
} from '@downbeat/event-store/testing';
import { Relay, type RelayFind, type RelayOptions } from './relay';
import { FakeLock, FakePublications, FakeReceipts, FakeTransport } from './testing/relay-fakes';

describe('a relay', () => {
  let log: FakePublications;
  let transport: FakeTransport;
  let receipts: FakeReceipts;
  let lock: FakeLock;
  let finds: { kind: RelayFind; from: number }[];
  let faults: string[];
  let relays: Relay[];
  const memory = new MemoryLog();
  const store = new MemoryEventStore(memory, 'registry');
  const foreign = new MemoryEventStore(memory, 'health');

  beforeEach(() => {
    [log, transport, receipts, lock] = [
      new FakePublications(),
      new FakeTransport(),
      new FakeReceipts(),
      new FakeLock(),
    ];
    [finds, faults, relays] = [[], [], []];
  });
  afterEach(() => Promise.all(relays.map((relay) => relay.stop())));

  const start = (options: Partial<RelayOptions> = {}): Relay => {
    const relay = new Relay(store, log, receipts, transport, lock, {
      pollMs: 5,
      pauseMs: 5,
      reconcileMs: 10,
      onFault: (fault) => faults.push(String(fault)),
      onFind: (find) => finds.push(find),
      ...options,
    });
    relays.push(relay);
    relay.start();
    return relay;
  };
  const hint = () => store.append(appendOf(freshStream(), 0));
  const onStream = (numbers: readonly number[]) =>
    eventually(() => expect(transport.numbers).toEqual(numbers));

  it('sends what is numbered, in order, and notes how far it came', async () => {
    log.append(3);
    const relay = start();
    await onStream([1, 2, 3]);
    await eventually(() =>
      expect(log.note).toEqual({ number: 3, stream: { created: '1', lastSequence: 3 } }),
    );
    expect(relay.status()).toMatchObject({ numbered: 3, sent: 3 });
    expect(finds).toEqual([]);
  });

  it('notes each time how far it came: nobody shall hear again what was sent before a crash', async () => {
    start({ pollMs: 3_600_000 });
    for (let n = 1; n <= 5; n++) {
      log.append(1);
      await hint();
      await eventually(() => expect(log.note.number).toBe(n));
    }
  });

  it('is woken by an append', async () => {
    start({ pollMs: 3_600_000 });
    await eventually(() => expect(lock.asked).toBe(1));
    log.append(1);
    await hint();
    await onStream([1]);
  });

  it('rests while others append, and asks for nothing to send while nothing is numbered', async () => {
    log.append(1);
    start({ pollMs: 3_600_000 });
    await onStream([1]);
    await eventually(() => expect(log.note.number).toBe(1));
    const [number, after] = [jest.spyOn(log, 'number'), jest.spyOn(log, 'after')];
    for (let n = 0; n < 5; n++) await foreign.append(appendOf(freshStream(), 0));
    await hint();
    await eventually(() => expect(number).toHaveBeenCalled());
    expect([number.mock.calls.length, after.mock.calls.length]).toEqual([1, 0]);
  });

  it('sends what a relay before it had numbered and not sent', async () => {
    log.append(2);
    await log.number();
    start();
    await onStream([1, 2]);
  });

  it('sends again, under the same ids, what a relay before it had sent and not noted', async () => {
    log.append(3);
    await log.number();
    await transport.publish(log.numbered, 0);
    start();
    await eventually(() => expect(log.note.number).toBe(3));
    expect(transport.numbers).toEqual([1, 2, 3]);
    expect(finds).toEqual([]);
  });

  it('fills a stream that was deleted while it ran', async () => {
    log.append(3);
    start();
    await eventually(() => expect(log.note.number).toBe(3));
    transport.lose();
    await onStream([1, 2, 3]);
    expect(finds).toEqual([{ kind: 'stream-lost', from: 1 }]);
  });

  it('looks at the stream at once when it cannot be sent to', async () => {
    start({ reconcileMs: 3_600_000 });
    log.append(2);
    await onStream([1, 2]);
    transport.lose();
    log.append(1);
    await onStream([1, 2, 3]);
    expect(faults).toEqual(['Error: the stream is missing']);
    expect(finds).toEqual([{ kind: 'stream-lost', from: 1 }]);
  });

  it('looks at the stream when the bus is back', async () => {
    start({ reconcileMs: 3_600_000 });
    log.append(2);
    await eventually(() => expect(log.note.number).toBe(2));
    transport.lose();
    transport.reconnected();
    await onStream([1, 2]);
  });

  it('fills a stream that is younger than the one noted by a relay before it', async () => {
    log.append(2);
    await log.number();
    log.note = { number: 2, stream: { created: '0', lastSequence: 2 } };
    start();
    await onStream([1, 2]);
    expect(finds).toEqual([{ kind: 'stream-lost', from: 1 }]);
  });

  it('fills a stream that is shorter than it was, under ids the server has not seen', async () => {
    log.append(3);
    start();
    await eventually(() => expect(log.note.number).toBe(3));
    transport.regressTo(1);
    await onStream([1, 1, 2, 3]);
    expect(finds).toEqual([{ kind: 'stream-regressed', from: 1 }]);
  });

  it('notes that a stream is to be filled before it begins to: it may not live to end it', async () => {
    log.append(3);
    start();
    await eventually(() => expect(log.note.number).toBe(3));
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    transport.before = () => opened;
    transport.regressTo(1);
    await eventually(() =>
      expect(log.note).toEqual({ number: 0, stream: { created: '1', lastSequence: 1 } }),
    );
    open();
  });

  it('sends again what a consumer that stands still has not confirmed', async () => {
    log.append(3);
    receipts.confirmed = [
      { consumer: 'health', number: 3 },
      { consumer: 'saga', number: 1 },
    ];
    const relay = start({
      unconfirmedMs: 60,
      onFind: (find) => {
        finds.push(find);
        receipts.confirmed = [{ consumer: 'saga', number: 3 }];
      },
    });
    await onStream([1, 2, 3, 2, 3]);
    expect(finds).toEqual([{ kind: 'unconfirmed', from: 2 }]);
    expect(relay.status().finds.unconfirmed).toBe(1);
  });

  it('sends nothing without the lock, whatever is hinted', async () => {
    lock.isFree = false;
    log.append(1);
    start({ pauseMs: 3_600_000 });
    for (let hints = 0; hints < 20; hints++) await hint();
    expect(lock.asked).toBe(1);
    expect(transport.calls).toBe(0);
  });

  it('begins where another replica ended while the lock was lost', async () => {
    start({ reconcileMs: 3_600_000 });
    log.append(2);
    await eventually(() => expect(log.note.number).toBe(2));
    lock.lose({ isFree: false });
    await eventually(async () => expect(await lock.acquire()).toBe(false));
    log.append(2);
    await log.number();
    await transport.publish(log.numbered.slice(2), 0);
    log.note = { number: 4, stream: { created: '1', lastSequence: 4 } };
    lock.isFree = true;
    log.append(1);
    await onStream([1, 2, 3, 4, 5]);
    expect(transport.last).toEqual([5]);
  });

  it('says what is unsent only while it holds the lock: whoever has it then sends the rest', async () => {
    lock.isFree = false;
    const relay = start();
    await eventually(() => expect(lock.asked).toBeGreaterThan(1));
    expect(relay.status()).not.toHaveProperty('unsent');
    transport.before = () => Promise.reject(new Error('no bus'));
    log.append(2);
    lock.isFree = true;
    await eventually(() => expect(relay.status().unsent).toBe(2));
    lock.lose({ isFree: false });
    await eventually(() => expect(relay.status()).not.toHaveProperty('unsent'));
    transport.before = () => undefined;
    lock.isFree = true;
    await eventually(() => expect(relay.status().unsent).toBe(0));
    lock.acquire = () => Promise.reject(new Error('no database'));
    await eventually(() => expect(relay.status().stuck).toBe('no database'));
    expect(relay.status()).not.toHaveProperty('unsent');
  });

  it('says why nothing goes out, while nothing does', async () => {
    transport.before = () => Promise.reject(new Error('too large'));
    log.append(1);
    const relay = start();
    await eventually(() => expect(relay.status().stuck).toBe('too large'));
    log.append(1);
    await eventually(() => expect(transport.calls).toBeGreaterThan(3));
    expect(transport.numbers).toEqual([]);
    transport.before = () => undefined;
    await onStream([1, 2]);
    await eventually(() => expect(relay.status()).not.toHaveProperty('stuck'));
  });

  it('waits after a fault, whatever is hinted', async () => {
    transport.before = () => Promise.reject(new Error('no bus'));
    log.append(1);
    start({ pauseMs: 3_600_000 });
    await eventually(() => expect(faults).toHaveLength(1));
    for (let hints = 0; hints < 20; hints++) await hint();
    expect(transport.calls).toBe(1);
  });

  it('stops after the round under way, and gives the lock back', async () => {
    log.append(1);
    let open: () => void = () => undefined;
    const door = new Promise<void>((resolve) => (open = resolve));
    transport.before = () => door;
    const relay = start();
    await eventually(() => expect(transport.calls).toBe(1));
    const stopped = relay.stop();
    expect(lock.released).toBe(0);
    open();
    await stopped;
    expect([transport.numbers, log.note.number, lock.released]).toEqual([[1], 1, 1]);
  });
});
