import type { AnswerOf, DataOf, observabilityContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { TestBench } from '@downbeat/test-bench';
import { ObservabilityModule } from './observability.module';

type Series = AnswerOf<typeof observabilityContract.getCalls>;
type ServiceMap = AnswerOf<typeof observabilityContract.getServiceMap>;
type Figures = DataOf<typeof observabilityContract.recordCalls>['calls'][number];

const MINUTE_MS = 60_000;
/** Once for all: a clock that goes on while tests run does not matter. */
const MINUTE = Math.floor(Date.now() / MINUTE_MS);
const thisMinute = (ago = 0): string => new Date((MINUTE - ago) * MINUTE_MS).toISOString();
const some = (more: Partial<Figures> = {}): Figures => ({
  ...{ source_service: 'shop', target_service: 'billing', protocol: 'http', method: 'POST' },
  ...{ endpoint: '/invoices/{id}', minute: thisMinute(), ok: 3, client_errors: 0 },
  ...{ server_errors: 1, unanswered: 0, duration_us: 20_000, durations: { '47': 3, '52': 1 } },
  ...more,
});

describe('calls between services, on real Postgres and NATS', () => {
  let bench: TestBench;
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [{ name: 'health', module: ObservabilityModule }],
    });
  });
  afterAll(() => bench.stop());

  const report = (id: string, ...calls: readonly Figures[]): Promise<number> =>
    bench.accepted(`command.observability.RecordCalls.${id}`, { calls } as unknown as JsonObject);
  const series = (input: JsonObject = {}, as?: JsonObject): Promise<Series> =>
    bench.answer<Series>('query.observability.calls', input, as);
  const map = (input: JsonObject = {}, as?: JsonObject): Promise<ServiceMap> =>
    bench.answer<ServiceMap>('query.observability.service-map', input, as);

  it('are counted once, however often they are reported', async () => {
    const of = { source_service: 'twice' };
    const first = await report('twice-1', some(of));
    const again = await bench.command(
      'command.observability.RecordCalls.twice-1',
      { calls: [some(of)] } as unknown as JsonObject,
      { id: 'another-message' },
    );
    expect(again).toMatchObject({ accepted: true, answer: { call_count: 4 } });
    expect(await bench.events('call-report-twice-1')).toHaveLength(1);
    expect((await series(of)).total.calls).toBe(4);
    expect(first).toBeGreaterThan(0);
  });

  it('are a series, with what was slow and what failed', async () => {
    const of = { source_service: 'series' };
    await report('series-1', some({ ...of, minute: thisMinute(2) }), some(of));
    await report('series-2', some({ ...of, endpoint: '/refunds', method: 'PUT' }));
    const all = await series({ ...of, window_minutes: 10 });
    expect(all.buckets.map(({ started_at, calls, errors }) => [started_at, calls, errors])).toEqual(
      [
        [thisMinute(2), 4, 1],
        [thisMinute(), 8, 2],
      ],
    );
    expect(all.total).toMatchObject({ calls: 12, errors: 3, error_rate: 0.25, avg_ms: 5 });
    // 2^(47.5/4) µs and 2^(52.5/4) µs.
    expect(all.total.p50_ms).toBeCloseTo(3.756, 2);
    expect(all.total.p95_ms).toBeCloseTo(8.933, 2);
    expect(all.endpoints.map(({ method, endpoint, calls }) => [method, endpoint, calls])).toEqual([
      ['POST', '/invoices/{id}', 8],
      ['PUT', '/refunds', 4],
    ]);
    expect((await series({ ...of, endpoint: '/refunds' })).total.calls).toBe(4);
    expect((await series({ ...of, method: 'GET' })).buckets).toEqual([]);
    const hourly = await series({ ...of, window_minutes: 43_200, bucket_minutes: 60 });
    expect(hourly.total.calls).toBe(12);
  });

  it('are shown as they were', async () => {
    const of = { source_service: 'past' };
    const position = await report('past-1', some(of));
    await report('past-2', some(of));
    expect((await series(of, { at: position })).total.calls).toBe(4);
    expect((await series(of)).total.calls).toBe(8);
  });

  it('are the same whenever a moment before the first of them is asked for', async () => {
    const before = await series({}, { at: 0 });
    expect(before.total.calls).toBe(0);
    expect(await series({}, { at: 0 })).toEqual(before);
  });

  it('that were lost on the way are counted', async () => {
    await bench.accepted('command.observability.RecordCalls.lost-1', { calls: [], lost_calls: 7 });
    expect((await series()).lost_calls).toBe(7);
  });

  it.each([
    ['calls.0.minute', { minute: '2020-01-01T00:00:00.000Z' }],
    ['calls.0.durations', { ok: 9 }],
    ['calls.0.endpoint', { endpoint: '/with space' }],
    ['calls.0.source_service', { source_service: 'Not A Name' }],
  ])('are refused with the field that is wrong, and nothing is stored: %s', async (field, more) => {
    const id = `wrong-${field.replaceAll('.', '-')}`;
    const outcome = await bench.command(`command.observability.RecordCalls.${id}`, {
      calls: [some(more)],
    } as unknown as JsonObject);
    expect(outcome).toMatchObject({ problem: { kind: 'invalid', errors: [{ field }] } });
    expect(await bench.events(`call-report-${id}`)).toEqual([]);
  });

  it.each([
    [{ window_minutes: 2_000, bucket_minutes: 7 }],
    [{ window_minutes: 0 }],
    [{ endpoint: '' }],
  ])('are not asked for in a way that makes no sense: %j', async (input) => {
    const [field] = Object.keys(input).reverse();
    expect(await bench.query('query.observability.calls', input)).toMatchObject({
      problem: { kind: 'invalid', errors: [{ field }] },
    });
  });

  it('make a map, also while the registry does not answer', async () => {
    await report('map-1', some({ source_service: 'map-a', target_service: 'map-b' }));
    const { connections, is_registry_heard, services } = await map();
    expect(is_registry_heard).toBe(false);
    expect(connections.find(({ source_service }) => source_service === 'map-a')).toMatchObject({
      ...{ target_service: 'map-b', basis: 'observed', protocol: 'http', avg_latency_ms: 5 },
      ...{ request_count_1h: 4, error_count_1h: 1, error_rate: 0.25 },
    });
    expect(services.find(({ service_name }) => service_name === 'map-b')).toMatchObject({
      ...{ service_type: 'unknown', is_registered: false, error_rate: 0.25 },
    });
  });

  it('to more targets than there is room for are counted under one name', async () => {
    const of = { source_service: 'inventor' };
    for (let part = 0; part < 3; part++)
      await report(
        `inventor-${part}`,
        ...Array.from({ length: 400 }, (_, number) =>
          some({ ...of, target_service: `made-up-${part}-${number}` }),
        ),
      );
    const { total } = await series(of);
    expect(total.calls).toBe(4 * 1_200);
    expect((await series({ ...of, target_service: '(other)' })).total.calls).toBe(4 * 200);
    expect((await series({ ...of, target_service: 'made-up-0-7' })).total.calls).toBe(4);
  });

  it('take no room for the names of reports that are refused or were told before', async () => {
    const of = { source_service: 'liar' };
    await report('liar-told', some(of));
    for (let part = 0; part < 2; part++)
      for (const [id, minute] of [
        [`liar-old-${part}`, thisMinute(1_500)],
        ['liar-told', thisMinute()],
      ] as const) {
        const calls = Array.from({ length: 500 }, (_, number) =>
          some({ ...of, minute, target_service: `${id}-${part}-${number}` }),
        );
        const asked = { calls } as unknown as JsonObject;
        const accepted = { accepted: id === 'liar-told' };
        const command = `command.observability.RecordCalls.${id}`;
        expect(await bench.command(command, asked)).toMatchObject(accepted);
      }
    await report('liar-last', some({ ...of, target_service: 'warehouse' }));
    expect((await series({ ...of, target_service: 'warehouse' })).total.calls).toBe(4);
  });

  it('are the same after the read model was built anew', async () => {
    const before = await series();
    const verified = await bench.bus.query('query.observability.verify-read-model', {
      name: 'observability.calls',
    });
    expect(verified).toMatchObject({ ok: true, data: { is_equal: true } });
    expect((await series()).total.calls).toBe(before.total.calls);
  });
});
