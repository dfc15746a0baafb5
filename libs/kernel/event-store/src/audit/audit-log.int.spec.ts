import type { EventMeta, StreamName } from '@downbeat/eventsourcing';
import type { AuditLog, EventFilter } from './audit-log';
import { freshStream } from '../testing/sample-appends';
import { LogDatabase } from '../testing/log-database';

describe('the audit log', () => {
  let database: LogDatabase;
  let audit: AuditLog;
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const [service, check, run] = [freshStream(), freshStream('check'), freshStream('run')];
  /** When each of the four commits was recorded. */
  const times: string[] = [];

  beforeAll(async () => {
    database = await LogDatabase.create('audit');
    audit = database.audit();
    const append = async (
      context: string,
      stream: StreamName,
      types: readonly string[],
      meta: Partial<EventMeta>,
    ) => {
      const store = database.store(context);
      const events = types.map((type) => ({ type, data: { type } }));
      const expected = (await store.load(stream)).length;
      const all = { correlation_id: 'c-0', causation_id: 'm', actor: 'tests', ...meta };
      const { position } = await store.append({ stream, expected, events, meta: all });
      times.push((await store.read(position - 1)).events[0]?.recorded_at ?? '');
      // The next commit is of a later millisecond.
      while (new Date().toISOString() <= (times.at(-1) ?? '')) await Promise.resolve();
    };
    const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
    await append('registry', service, ['Registered', 'Moved'], { correlation_id: 'c-1' });
    await append('health', check, ['Begun'], { correlation_id: 'c-1', traceparent });
    await append('saga', run, ['Begun', 'Ended'], { traceparent });
    await append('registry', service, ['Retired'], {});
  });
  afterAll(() => database.drop());

  const positions = async (filter: EventFilter) =>
    (await audit.list(filter)).events.map(({ position }) => position);

  it.each<[string, EventFilter, readonly number[]]>([
    ['everything', {}, [1, 2, 3, 4, 5, 6]],
    ['the newest first', { order: 'desc', limit: 2 }, [6, 5]],
    ['a stream', { stream: service }, [1, 2, 6]],
    ['a type', { type: 'Begun' }, [3, 4]],
    ['a correlation id', { correlation_id: 'c-1' }, [1, 2, 3]],
    ['a trace id', { trace_id: traceId }, [3, 4, 5]],
    ['several conditions', { trace_id: traceId, type: 'Begun', correlation_id: 'c-0' }, [4]],
    ['after a position', { after_position: 4 }, [5, 6]],
    ['until a position', { until_position: 2 }, [1, 2]],
    ['between positions', { after_position: 1, until_position: 3, order: 'desc' }, [3, 2]],
    ['nothing', { stream: 'service-none' }, []],
  ])('lists %s', async (_, filter, expected) => {
    expect(await positions(filter)).toEqual(expected);
  });

  it('lists by time, both ends included', async () => {
    const [, second, third, fourth] = times;
    expect(await positions({ since: second })).toEqual([3, 4, 5, 6]);
    expect(await positions({ until: second })).toEqual([1, 2, 3]);
    expect(await positions({ since: second, until: third })).toEqual([3, 4, 5]);
    expect(await positions({ since: third, after_position: 4, order: 'desc' })).toEqual([6, 5]);
    expect(await positions({ since: '2999-01-01T00:00:00.000Z' })).toEqual([]);
    expect(await positions({ until: '1999-01-01T00:00:00.000Z' })).toEqual([]);
    expect(await positions({ since: fourth, until: fourth })).toEqual([6]);
  });

  it.each(['asc', 'desc'] as const)(
    'goes through all pages, %s, each event once',
    async (order) => {
      const seen: number[] = [];
      let cursor: string | undefined;
      let pages = 0;
      do {
        const page = await audit.list({ order, limit: 2, cursor });
        seen.push(...page.events.map(({ position }) => position));
        cursor = page.next_cursor;
        pages++;
      } while (cursor !== undefined);
      expect([seen, pages]).toEqual([order === 'asc' ? [1, 2, 3, 4, 5, 6] : [6, 5, 4, 3, 2, 1], 3]);
    },
  );

  it.each([
    'nonsense',
    Buffer.from('desc:3').toString('base64url'),
    Buffer.from('asc:-3').toString('base64url'),
    '',
  ])('refuses the cursor %j', async (cursor) => {
    await expect(audit.list({ cursor })).rejects.toMatchObject({
      code: 'event-store/invalid-cursor',
    });
  });

  it.each([0, 1.5, 1_001])('refuses a page of %s', async (limit) => {
    await expect(audit.list({ limit })).rejects.toThrow(RangeError);
  });

  it('is not led astray by what stands in a filter', async () => {
    expect(await positions({ type: `' or true --` })).toEqual([]);
  });

  it('gives a stream up to a position, and the streams of a correlation id', async () => {
    expect((await audit.eventsOf(service)).map(({ type }) => type)).toEqual([
      'Registered',
      'Moved',
      'Retired',
    ]);
    expect((await audit.eventsOf(service, 2)).map(({ type }) => type)).toEqual([
      'Registered',
      'Moved',
    ]);
    expect(await audit.streamsOf('c-1')).toEqual([
      { stream: service, context: 'registry', first: 1, last: 2 },
      { stream: check, context: 'health', first: 3, last: 3 },
    ]);
    expect((await audit.streamsOf('c-1', 2)).map(({ stream }) => stream)).toEqual([service]);
  });

  it.each<[string, string]>([
    [`stream = 's'`, 'event_stream_version_key'],
    [`(meta ->> 'correlation_id') collate "C" = 'c'`, 'event_correlation'],
    [`type = 't'`, 'event_type'],
    [
      `substr(meta ->> 'traceparent', 4, 32) collate "C" = 't' and meta ->> 'traceparent' is not null`,
      'event_trace',
    ],
  ])('has an index for %s, usable under row level security', async (condition, index) => {
    const plan = await database.as('audit', async (client) => {
      await client.query('set enable_seqscan = off');
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `explain select * from log.event where ${condition} order by position limit 1`,
      );
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    });
    expect(plan).toContain(index);
    expect(plan).toContain('Index Cond');
  });

  it('gives the commits of these numbers, as far as there are any', async () => {
    const [first, , third] = await audit.commits(0, 10);
    const found = await audit.commitsNumbered([3, 1, 99]);
    expect([...found].sort((a, b) => a.commit_no - b.commit_no)).toEqual([first, third]);
    expect(await audit.commitsNumbered([])).toEqual([]);
    await expect(audit.commitsNumbered(Array.from({ length: 1_001 }, (_, n) => n))).rejects.toThrow(
      RangeError,
    );
  });
});
