import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@downbeat/local-servers';
import { TestBench } from '@downbeat/test-bench';
import { AppProcess } from '@downbeat/test-bench/app-process';

interface Recorded {
  readonly resources: readonly { readonly spans: readonly { readonly operation_name: string }[] }[];
}

describe('a health app whose traces go to itself', () => {
  let bench: TestBench;
  let health: AppProcess;
  beforeAll(async () => {
    bench = await TestBench.start({ services: [] });
    const port = `${await freePort()}`;
    health = new AppProcess({
      name: 'health',
      program: join(__dirname, '../dist/main.js'),
      environment: {
        ...bench.settings,
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
        OTEL_SERVICE_NAME: 'downbeat-health',
        OTEL_BSP_SCHEDULE_DELAY: '100',
      },
      logFile: join(mkdtempSync(join(tmpdir(), 'downbeat-own-traces-')), 'log'),
    });
    await health.start({ PORT: port });
  });
  afterAll(async () => {
    await health?.stop('SIGKILL');
    await bench?.stop();
  });

  it('has traces of what it is asked, and none of the traces', async () => {
    const asked = async (): Promise<readonly Recorded[]> => {
      await bench.bus.query('query.health.list-health', { input: {} });
      const rows = await bench.rows<{ data: Recorded }>(
        `select data from log.event where type = 'SpansRecorded' order by position`,
        [],
      );
      return rows.map(({ data }) => data);
    };
    // What the first batches led to itself would be in the next ones.
    const batches = await bench.eventually(asked, (all) => all.length >= 8, 60_000);
    const names = new Set(
      batches.flatMap(({ resources }) =>
        resources.flatMap(({ spans }) => spans.map(({ operation_name }) => operation_name)),
      ),
    );
    expect(names).toContain('process query.health.list-health');
    expect([...names].filter((name) => /v1|POST|RecordSpans|tcp|observability/.test(name))).toEqual(
      [],
    );
  });
});
