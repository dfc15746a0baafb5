import { connect, type Socket } from 'node:net';
import { eventually as eventuallyIn } from '@downbeat/local-servers/testing';
import { FakeBus } from '../testing/fake-bus';
import { FakeLog } from '../testing/fake-log';
import { GatewayBench } from '../testing/gateway-bench';
import { StreamReader } from '../testing/stream-reader';
import { StreamSettings } from './stream-settings';

/** Polls are too rare to help a test along, unless it asks for them. */
const NEVER_MS = 3_600_000;
const settings = (changes: Partial<StreamSettings> = {}): StreamSettings =>
  Object.assign(new StreamSettings(), { pollMs: NEVER_MS }, changes);

/** Many streams at once take their time on a busy machine. */
const eventually = <Answer>(ask: () => Promise<Answer> | Answer) => eventuallyIn(ask, 20_000);

describe('the event stream', () => {
  let bench: GatewayBench;
  let log: FakeLog;
  const readers: StreamReader[] = [];
  const sockets: Socket[] = [];

  const start = async (changes: Partial<StreamSettings> = {}) => {
    const bus = new FakeBus();
    log = new FakeLog(bus);
    bench = await GatewayBench.over(bus, settings(changes));
  };
  const open = async (parameters = '', headers: Record<string, string> = {}) => {
    const reader = await StreamReader.open(bench, parameters, headers);
    readers.push(reader);
    return reader;
  };
  afterEach(async () => {
    for (const reader of readers.splice(0)) reader.close();
    for (const socket of sockets.splice(0)) socket.destroy();
    await bench.stop();
  });

  it('begins now, and is woken by the hint', async () => {
    await start();
    log.append(5);
    const reader = await open();
    log.append(2);
    log.hint();
    expect(await reader.positions(2)).toEqual([6, 7]);
    expect(reader.events[0]?.data).toMatchObject({ position: 6, data: { line: 'one\ntwo' } });
    expect(reader.others[0]).toBe('retry: 1000');
  });

  it('finds what no hint told of', async () => {
    await start({ pollMs: 20 });
    const reader = await open();
    log.append(1);
    expect(await reader.positions(1)).toEqual([1]);
  });

  it('begins at the beginning when asked to', async () => {
    await start({ catchUpEventsMax: 3 });
    log.append(10);
    const reader = await open('?after=0');
    expect(await reader.positions(10)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('resumes behind the last event a client has, whatever its URL says', async () => {
    await start();
    log.append(10);
    const reader = await open('?after=0', { 'Last-Event-ID': '7' });
    log.append(1);
    log.hint();
    expect(await reader.positions(4)).toEqual([8, 9, 10, 11]);
  });

  it('loses nothing and repeats nothing over many reconnections while events come', async () => {
    await start({ ringEventsMax: 7, catchUpEventsMax: 3 });
    const seen: number[] = [];
    while (seen.length < 200) {
      if (log.head < 200) log.append(11);
      const reader = await open(
        '?after=0',
        seen.length ? { 'Last-Event-ID': String(seen.at(-1)) } : {},
      );
      log.hint();
      await reader.positions(4);
      seen.push(...reader.events.slice(0, 9).map(({ id }) => id));
      reader.close();
    }
    expect(seen).toEqual(seen.map((_, at) => at + 1));
  });

  it('reads the log once for all clients', async () => {
    await start();
    log.append(1);
    const three = [await open(), await open(), await open()];
    const asked = log.asked.length;
    log.append(20);
    log.hint();
    for (const reader of three) expect(await reader.positions(20)).toHaveLength(20);
    expect(log.asked.length - asked).toBe(1);
  });

  it('does not read what came while nobody listened', async () => {
    await start();
    log.append(1);
    const first = await open();
    first.close();
    log.append(5_000);
    const asked = log.asked.length;
    // The place of the first client is free only when its connection is known to be closed.
    const second = await open();
    log.append(1);
    log.hint();
    expect(await second.positions(1)).toEqual([5_002]);
    expect(log.asked.length - asked).toBeLessThan(5);
  });

  it.each([
    ['?after=0&type=ServiceRetired', [3]],
    ['?after=0&stream=run-1', [2]],
    ['?after=0&correlation_id=order-2', [4]],
    ['?after=0&context=saga', [5]],
    ['?after=0&context=registry&type=ServiceRegistered&stream=service-billing', [1, 4]],
  ])('with %s sends only what was asked for', async (parameters, positions) => {
    for (const when of ['before', 'after']) {
      await start();
      const append = () => {
        log.append(1);
        log.append(1, { stream: 'run-1' });
        log.append(1, { type: 'ServiceRetired' });
        log.append(1, { correlationId: 'order-2' });
        log.append(1, { context: 'saga', type: 'StepDone' });
      };
      if (when === 'before') append();
      const reader = await open(parameters);
      if (when === 'after') append();
      log.hint();
      expect(await reader.positions(positions.length)).toEqual(positions);
      reader.close();
      if (when === 'before') await bench.stop();
    }
  });

  it('beats, and tells a client that filters how far it is', async () => {
    await start({ heartbeatMs: 20 });
    const reader = await open('?type=Nothing');
    log.append(3);
    log.hint();
    await reader.until(() => reader.others.includes(': heartbeat\nid: 3'));
    expect(reader.others).toContain(': heartbeat\nid: 3');
    expect(reader.events).toEqual([]);
  });

  it('lets a client go that takes nothing, and serves the others all the while', async () => {
    await start({ stalledMs: 100, ringEventsMax: 10 });
    const slow = connect(bench.port, '127.0.0.1');
    sockets.push(slow);
    slow.write('GET /api/orchestration/stream HTTP/1.1\r\nHost: a\r\n\r\n');
    await new Promise((resolve) => slow.once('data', resolve));
    slow.pause();
    const closed = new Promise((resolve) => slow.once('close', resolve));

    const quick = await open();
    let sent = 0;
    for (; sent < 100; sent++) {
      log.append(1, { data: 'x'.repeat(200_000) });
      log.hint();
      await quick.positions(sent + 1);
    }
    expect(quick.events.at(-1)?.id).toBe(100);
    slow.resume();
    await closed;
  });

  it.each([
    ['an id', '', { 'Last-Event-ID': '99999999' }],
    ['a URL', '?after=99999999', {}],
  ])('tells who comes with %s ahead of the log, and goes on from its head', async (_, url, id) => {
    await start();
    log.append(3);
    const reader = await open(url, id as Record<string, string>);
    log.append(2);
    log.hint();
    expect(await reader.positions(2)).toEqual([4, 5]);
    expect(reader.others).toContain('event: reset\nid: 3\ndata: {"asked":99999999,"head":3}');
  });

  it('does not tell who is at the head, or behind it', async () => {
    await start();
    log.append(3);
    const readers = [await open('', { 'Last-Event-ID': '3' }), await open('?after=2')];
    log.append(1);
    log.hint();
    for (const reader of readers) {
      await reader.until(() => reader.events.at(-1)?.id === 4);
      expect(reader.others).toEqual(['retry: 1000']);
    }
  });

  it('has room for so many clients of one address, and for others beside them', async () => {
    await start({ clientsPerAddressMax: 2 });
    const first = await open();
    await open();
    const refused = await bench.fetch('/api/orchestration/stream');
    expect(refused.headers.get('Retry-After')).toBe('1');
    expect(await refused.json()).toMatchObject({
      status: 503,
      code: 'too-many-streams',
    });
    const elsewhere = await StreamReader.open(bench, '', {}, '127.0.0.2');
    readers.push(elsewhere);
    first.close();
    await eventually(async () => expect(await open()).toBeDefined());
  });

  it('has room for so many clients, and again when one has left', async () => {
    await start({ clientsMax: 2 });
    const first = await open();
    await open();
    const refused = await bench.fetch('/api/orchestration/stream');
    expect(refused.headers.get('Retry-After')).toBe('1');
    expect(await refused.json()).toMatchObject({ status: 503, code: 'too-many-streams' });
    first.close();
    await eventually(async () => expect(await open()).toBeDefined());
  });

  it('is unavailable while the log cannot be read, and takes no place then', async () => {
    await start({ clientsMax: 1 });
    log.isReachable = false;
    for (const _ of [1, 2, 3])
      expect((await bench.fetch('/api/orchestration/stream')).status).toBe(503);
    log.isReachable = true;
    expect(await open()).toBeDefined();
  });

  it('goes on when the log comes back', async () => {
    await start({ pollMs: 20 });
    const reader = await open('?after=0');
    log.isReachable = false;
    log.append(3);
    log.hint();
    await eventually(async () => expect(bench.logged).toContain('cannot be read now'));
    log.isReachable = true;
    expect(await reader.positions(3)).toEqual([1, 2, 3]);
  });

  it('says nothing but its headers to HEAD', async () => {
    await start();
    const response = await bench.fetch('/api/orchestration/stream', { method: 'HEAD' });
    expect(response.headers.get('Content-Type')).toContain('text/event-stream');
    expect(log.asked).toEqual([]);
  });

  it('ends when the gateway stops', async () => {
    await start();
    const reader = await open();
    await bench.stop();
    await reader.until(() => false);
    expect(reader.isEnded).toBe(true);
    await start();
  });
});
