/// <reference types="jest" />
import type { EventStore } from '../event-store';
import { uuidV7 } from '../append/uuid-v7';
import type { Append } from '../event-store';
import type { Instant, StreamName } from '@downbeat/eventsourcing';
import { describeLeases } from './leases-behaviour';
import { describeTogether } from './together-behaviour';
import {
  appendOf,
  command,
  freshStream,
  happened,
  meta,
  type StoreUnderTest,
} from './sample-appends';

/** The promises every event store keeps, whatever it is built on. One log is shared by all tests. */
export function describeEventStore(name: string, start: () => Promise<StoreUnderTest>): void {
  describe(`an event store (${name})`, () => {
    let log: StoreUnderTest;
    let store: EventStore;
    beforeAll(async () => {
      log = await start();
      store = log.store('registry');
    });
    afterAll(() => log?.stop());

    describeAppending(() => store);
    describeConflicts(() => store);
    describeCommands(() => store);
    describeReceipts(() => store);
    describeReading(() => log);
    describeTogether(() => log);
    describeLeases(() => log);
  });
}

function describeAppending(store: () => EventStore): void {
  it('stores events as they were given, and numbers them', async () => {
    const stream = freshStream();
    const before = await store().head();
    const data = { text: 'ä€😀\n"\\', deep: [{ n: 1.5, none: null, yes: true }], gone: undefined };
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

    const appended = await store().append({
      stream,
      expected: 0,
      events: [
        { type: 'First', data },
        { type: 'Second', data: 'b', schema_version: 3 },
      ],
      meta: { ...meta, traceparent },
    });

    const events = await store().load(stream);
    expect(appended).toEqual({ version: 2, position: before + 2, repeated: false });
    expect(events).toEqual([
      {
        position: before + 1,
        event_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-/),
        context: 'registry',
        stream,
        version: 1,
        type: 'First',
        schema_version: 1,
        data: { text: data.text, deep: data.deep },
        meta: { ...meta, traceparent },
        recorded_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        commit_no: expect.any(Number),
      },
      expect.objectContaining({ version: 2, type: 'Second', schema_version: 3, data: 'b' }),
    ]);
    expect(events[0]?.commit_no).toBe(events[1]?.commit_no);
  });

  it('knows where the log ended at a moment', async () => {
    const stream = freshStream();
    const { position } = await store().append(appendOf(stream, 0, [1, 2]));
    const [event] = await store().load(stream);
    if (!event) throw new RangeError('an append of two events has a first');
    const before = new Date(Date.parse(event.recorded_at) - 1).toISOString() as Instant;
    expect(await store().positionAt(before)).toBeLessThan(event.position);
    expect(await store().positionAt(event.recorded_at)).toBeGreaterThanOrEqual(position);
    expect(await store().positionAt('1999-12-31T00:00:00.000Z' as Instant)).toBe(0);
    expect(await store().positionAt('2999-12-31T00:00:00.000Z' as Instant)).toBe(
      await store().head(),
    );
  });

  it('loads a stream after a version', async () => {
    const stream = freshStream();
    await store().append(appendOf(stream, 0, [1, 2, 3]));
    expect((await store().load(stream, 1)).map((event) => event.data)).toEqual([
      { n: 2 },
      { n: 3 },
    ]);
    expect(await store().load(stream, 3)).toEqual([]);
    expect(await store().load(freshStream())).toEqual([]);
  });

  it('tells listeners until they unsubscribe', async () => {
    const heard: number[] = [];
    const unsubscribe = store().onAppended((position) => heard.push(position));
    const { position } = await store().append(appendOf(freshStream(), 0));
    unsubscribe();
    await store().append(appendOf(freshStream(), 0));
    expect(heard).toEqual([position]);
  });

  it('tells listeners that wait for a context of what is that context’s', async () => {
    const heard: string[] = [];
    store().onAppended(() => heard.push('own'), store().context);
    store().onAppended(() => heard.push('foreign'), 'nobody');
    await store().append(appendOf(freshStream(), 0));
    expect(heard).toEqual(['own']);
  });

  it.each<[string, Partial<Append>]>([
    ['a negative version', { expected: -1 }],
    ['half a version', { expected: 0.5 }],
    ['an empty stream name', { stream: '' as StreamName }],
    ['a stream name that is too long', { stream: 's'.repeat(201) as StreamName }],
    ['a NUL in the stream name', { stream: 'a\0b' as StreamName }],
    ['half a surrogate pair in the meta', { meta: { ...meta, correlation_id: '\ud800' } }],
    ['data that is no JSON', { events: [{ type: 'Odd', data: undefined }] }],
    ['data that holds a bigint', { events: [{ type: 'Odd', data: { n: 1n } }] }],
    ['data that is too long', { events: [{ type: 'Odd', data: 'x'.repeat(16 * 1_048_576) }] }],
    ['too many events', { events: Array.from({ length: 1_001 }, (_, n) => happened(n)) }],
  ])('refuses %s, and stores what came along with it', async (_, wrong) => {
    const stream = freshStream();
    const [refused, fine] = await Promise.allSettled([
      store().append({ ...appendOf(freshStream(), 0), ...wrong }),
      store().append(appendOf(stream, 0)),
    ]);
    expect(refused).toMatchObject({ reason: { code: 'event-store/append-refused' } });
    expect(fine.status).toBe('fulfilled');
  });

  it('keeps a NUL and half a surrogate pair inside the data', async () => {
    const stream = freshStream();
    const data = { nul: 'a\0b', half: '\ud800', proto: JSON.parse('{"__proto__": 1}') as unknown };
    await store().append({ ...appendOf(stream, 0), events: [{ type: 'Odd', data }] });
    expect(JSON.stringify((await store().load(stream))[0]?.data)).toBe(JSON.stringify(data));
  });
}

function describeConflicts(store: () => EventStore): void {
  it.each([
    ['an older', 1],
    ['a newer', 3],
  ])('refuses %s version than the stream has', async (_, expected) => {
    const stream = freshStream();
    await store().append(appendOf(stream, 0, [1, 2]));
    const head = await store().head();
    await expect(store().append(appendOf(stream, expected))).rejects.toMatchObject({
      code: 'event-store/stream-version-conflict',
      stream,
      expected,
      actual: 2,
    });
    expect(await store().head()).toBe(head);
  });

  it('lets one of many writers of the same version through', async () => {
    const stream = freshStream();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => store().append(appendOf(stream, 0))),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await store().load(stream)).toHaveLength(1);
  });

  it('fails a conflicting append alone', async () => {
    const [taken, ...free] = Array.from({ length: 6 }, () => freshStream());
    if (taken === undefined) throw new Error('no stream');
    await store().append(appendOf(taken, 0));
    const outcomes = await Promise.allSettled(
      [taken, ...free].map((stream) => store().append(appendOf(stream, 0, [1, 2]))),
    );
    expect(outcomes.map(({ status }) => status)).toEqual([
      'rejected',
      ...free.map(() => 'fulfilled'),
    ]);
    expect(await Promise.all(free.map(async (s) => (await store().load(s)).length))).toEqual(
      free.map(() => 2),
    );
  });

  it('checks the version of an append without events too', async () => {
    const stream = freshStream();
    await expect(store().append(appendOf(stream, 1, [], command()))).rejects.toMatchObject({
      code: 'event-store/stream-version-conflict',
    });
  });
}

function describeCommands(store: () => EventStore): void {
  it('answers a repeated command as the first time, and appends nothing', async () => {
    const stream = freshStream();
    const append = appendOf(stream, 0, [1], command(7));
    const first = await store().append(append);
    expect(first).toMatchObject({ version: 1, answer: { answer: 7 }, repeated: false });

    const later = { ...append, expected: 1, ...command(8, append.command?.id) };
    expect(await store().append(later)).toEqual({ ...first, repeated: true });
    expect(await store().answerOf(append.command?.id ?? '')).toEqual({ ...first, repeated: true });
    expect(await store().load(stream)).toHaveLength(1);
  });

  it('appends once when the same command arrives many times at once', async () => {
    const [stream, same] = [freshStream(), command(1)];
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => store().append(appendOf(stream, 0, [1], same))),
    );
    expect(outcomes.filter(({ repeated }) => !repeated)).toHaveLength(1);
    expect(await store().load(stream)).toHaveLength(1);
  });

  it('answers the same command to two streams at once with the first', async () => {
    const [one, other, same] = [freshStream(), freshStream(), command(1)];
    const outcomes = await Promise.all(
      [one, other].map((stream) => store().append(appendOf(stream, 0, [1], same))),
    );
    expect(outcomes[1]).toEqual({ ...outcomes[0], repeated: true });
    expect([await store().load(one), await store().load(other)]).toMatchObject([[{}], []]);
  });

  it('remembers the answer of a command without events', async () => {
    const [stream, quiet] = [freshStream(), command(3)];
    const head = await store().head();
    const answered = { version: 0, position: head, answer: { answer: 3 } };
    expect(await store().append(appendOf(stream, 0, [], quiet))).toEqual({
      ...answered,
      repeated: false,
    });
    expect(await store().answerOf(quiet.command.id)).toEqual({ ...answered, repeated: true });
    expect(await store().head()).toBe(head);
  });

  it('remembers what a command said, when it is told, and the first time only', async () => {
    const [stream, payloadHash, { command: plain }] = [freshStream(), 'ab'.repeat(32), command(3)];
    const hashed = { command: { ...plain, payloadHash } };
    const first = await store().append(appendOf(stream, 0, [1], hashed));
    const other = { command: { ...plain, payloadHash: 'cd'.repeat(32) } };
    expect(await store().append(appendOf(stream, 1, [2], other))).toEqual({
      ...first,
      repeated: true,
    });
    expect(await store().answerOf(plain.id)).toEqual({ ...first, repeated: true, payloadHash });
    await expect(
      store().append(appendOf(stream, 1, [2], { command: { ...plain, payloadHash: 'ab' } })),
    ).rejects.toMatchObject({ code: 'event-store/append-refused' });
  });

  it('does not remember a command that failed', async () => {
    const failed = command();
    await expect(store().append(appendOf(freshStream(), 5, [6], failed))).rejects.toThrow();
    expect(await store().answerOf(failed.command.id)).toBeUndefined();
  });
}

function describeReceipts(store: () => EventStore): void {
  const receipt = (consumer: string, number: number) => ({
    receipt: { consumer, source: 'health', number },
  });

  it('takes receipts in order, each once, with their effect', async () => {
    const [consumer, stream] = [`consumer-${uuidV7()}`, freshStream()];
    await store().append(appendOf(stream, 0, [1], receipt(consumer, 1)));
    await store().append(appendOf(stream, 1, [], receipt(consumer, 2)));
    expect(await store().lastReceipt(consumer, 'health')).toBe(2);
    expect(await store().lastReceipt(consumer, 'saga')).toBe(0);
  });

  it.each([
    ['repeated', 2],
    ['older', 1],
    ['skipped ahead', 4],
  ])('refuses a receipt that is %s', async (_, number) => {
    const [consumer, stream] = [`consumer-${uuidV7()}`, freshStream()];
    await store().append(appendOf(stream, 0, [], receipt(consumer, 1)));
    await store().append(appendOf(stream, 0, [], receipt(consumer, 2)));
    await expect(
      store().append(appendOf(stream, 0, [1], receipt(consumer, number))),
    ).rejects.toMatchObject({ code: 'event-store/receipt-conflict', last: 2 });
    expect(await store().load(stream)).toEqual([]);
    expect(await store().lastReceipt(consumer, 'health')).toBe(2);
  });

  it('takes receipts sent at once in the order they were sent', async () => {
    const consumer = `consumer-${uuidV7()}`;
    await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        store().append(appendOf(freshStream(), 0, [n], receipt(consumer, n + 1))),
      ),
    );
    expect(await store().lastReceipt(consumer, 'health')).toBe(10);
  });
}

function describeReading(log: () => StoreUnderTest): void {
  it('reads its own events and passes over those of others', async () => {
    const [mine, other] = [log().store('registry'), log().store('health')];
    const [a, b] = [freshStream(), freshStream('check')];
    const start = await mine.head();
    await mine.append(appendOf(a, 0, [1, 2]));
    await other.append(appendOf(b, 0, [3, 4]));
    await mine.append(appendOf(a, 2, [5]));
    await other.append(appendOf(b, 2, [6]));

    const numbers = ({ events }: { events: readonly { data: unknown }[] }) =>
      events.map(({ data }) => data);
    const [own, foreign] = [await mine.read(start), await other.read(start)];
    expect([numbers(own), own.through]).toEqual([[{ n: 1 }, { n: 2 }, { n: 5 }], start + 6]);
    expect([numbers(foreign), foreign.through]).toEqual([
      [{ n: 3 }, { n: 4 }, { n: 6 }],
      start + 6,
    ]);

    const piece = await mine.read(start + 1, 3);
    expect([numbers(piece), piece.through]).toEqual([[{ n: 2 }], start + 4]);
    expect(await mine.read(start + 6)).toEqual({ events: [], through: start + 6 });
    expect(await mine.load(b)).toEqual([]);
  });

  it('raises an alarm when asked for more than the log ever had', async () => {
    const store = log().store('registry');
    const head = await store.head();
    await expect(store.read(head + 1)).rejects.toMatchObject({ code: 'event-store/log-gap' });
  });

  it.each([0, -1, 1.5, 10_001])('refuses to read %s positions', async (limit) => {
    await expect(log().store('registry').read(0, limit)).rejects.toThrow(RangeError);
  });

  it("refuses to append to another context's stream", async () => {
    const stream = freshStream();
    await log().store('health').append(appendOf(stream, 0));
    for (const expected of [0, 1])
      await expect(
        log().store('registry').append(appendOf(stream, expected)),
      ).rejects.toMatchObject({ code: 'event-store/append-refused' });
    expect(await log().store('health').load(stream)).toHaveLength(1);
  });

  it('keeps command ids and receipts of contexts apart', async () => {
    const [mine, other] = [log().store('registry'), log().store('health')];
    const shared = command();
    const receipt = { consumer: uuidV7(), source: 'saga', number: 1 };
    await mine.append(appendOf(freshStream(), 0, [1], { ...shared, receipt }));
    const theirs = appendOf(freshStream(), 0, [1], { ...shared, receipt });
    expect(await other.append(theirs)).toMatchObject({ repeated: false });
  });
}
