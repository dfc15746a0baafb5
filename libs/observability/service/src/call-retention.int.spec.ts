import { execute, PostgresEventStore } from '@downbeat/event-store';
import { instantOf, Rejection } from '@downbeat/eventsourcing';
import {
  callReport,
  callReportStream,
  type CallFigures,
  type CallsForgotten,
} from '@downbeat/observability-domain';
import { TestBench } from '@downbeat/test-bench';
import { ObservabilityModule } from './observability.module';

const DAY_MS = 86_400_000;

describe('calls of those who call no more', () => {
  let bench: TestBench;
  let log: PostgresEventStore;
  beforeAll(async () => {
    bench = await TestBench.start({ services: [{ name: 'health', module: ObservabilityModule }] });
    const databaseUrl = bench.settings['DATABASE_URL_OBSERVABILITY'] ?? '';
    log = new PostgresEventStore({ databaseUrl, context: 'observability' });
  });
  afterAll(async () => {
    await log.close();
    await bench.stop();
  });

  /** As it was told that many days ago. */
  const told = async (daysAgo: number, target_service: string): Promise<void> => {
    const at = instantOf(Date.now() - daysAgo * DAY_MS);
    const one: CallFigures = {
      ...{ source_service: 'shop', target_service, protocol: 'http', method: 'POST' },
      ...{ endpoint: '/invoices', minute: at, ok: 1, client_errors: 0, server_errors: 0 },
      ...{ unanswered: 0, duration_us: 4_200, durations: { '48': 1 } },
    };
    const command = { type: 'RecordCalls', data: { report_id: target_service, calls: [one] }, at };
    const meta = { correlation_id: 'test', causation_id: target_service, actor: 'test' };
    const done = await execute(
      log,
      callReport,
      callReportStream(target_service),
      { ...command, type: 'RecordCalls' },
      { meta },
    );
    if (done instanceof Rejection) throw new Error(done.message);
  };
  const kept = async (table: 'call_minute' | 'call_hour'): Promise<readonly string[]> => {
    const [view] = await bench.rows<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
        where table_name ~ $1`,
      [`^${table}_v[0-9]+$`],
    );
    const rows = await bench.rows<{ target_service: string }>(
      `select target_service from ${view?.name} order by 1`,
      [],
    );
    return rows.map(({ target_service }) => target_service);
  };

  it('leave the views in which they are not shown any more, and stay in the log', async () => {
    await told(61, 'made-up-1');
    await told(3, 'made-up-2');
    await told(0.5, 'billing');
    await bench.eventually(
      () => kept('call_hour'),
      (names) => expect(names).toContain('billing'),
    );
    // A turn begins when somebody takes them.
    await bench.restart('health');
    await bench.eventually(
      () => kept('call_minute'),
      (names) => expect(names).toEqual(['billing']),
      // The next turn after one that failed is a minute later.
      90_000,
    );
    expect(await kept('call_hour')).toEqual(['billing', 'made-up-2']);
    expect(await bench.events('call-report-made-up-1')).toHaveLength(1);
    const events = await bench.rows<{ data: CallsForgotten['data'] }>(
      `select data from log.event where type = 'CallsForgotten' order by position`,
      [],
    );
    const places = events.flatMap(({ data }) => [...data.minutes.places, ...data.hours.places]);
    expect(places.map((place) => place.split(':')[1]).toSorted()).toEqual([
      ...['made-up-1', 'made-up-1', 'made-up-2'],
    ]);
  }, 180_000);

  it('are forgotten by a view that is built again as well', async () => {
    expect(
      await bench.bus.query(
        'query.observability.verify-read-model',
        { name: 'observability.calls' },
        { timeoutMs: 60_000 },
      ),
    ).toMatchObject({ ok: true, data: { is_equal: true } });
  });
});
