import type { Server } from 'node:http';
import { eventually } from '@downbeat/test-bench';
import { faultsOf } from './support/metric-rules';
import { documented } from './support/observability-files';
import { scraped, together, type ScrapedFamily } from './support/scrape';
import { Suite } from './support/suite';
import { makeTraffic, startCellar } from './support/told-traffic';

type Families = ReadonlyMap<string, ScrapedFamily>;

const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0';
/** Prometheus has them on every sample: of the process, and of a histogram's bucket. */
const ALWAYS = ['service', 'le'];

describe('what the suite shows to Prometheus', () => {
  let suite: Suite;
  let server: Server;
  let families: Families;
  beforeAll(async () => {
    server = await startCellar();
    suite = await Suite.start({ demo: false });
    await makeTraffic(suite, server);
    // What is counted in the background is counted within seconds.
    families = await eventually(
      scrape,
      (all) => {
        expect(all.get('downbeat_saga_runs')?.values).toContain(1);
        expect(all.get('downbeat_dead_letters_waiting')?.values).toContain(1);
      },
      90_000,
    );
  }, 400_000);
  afterAll(async () => {
    await suite?.stop();
    server?.closeAllConnections();
    server?.close();
  });

  const ask = (url: string, accept: string) =>
    fetch(`${url}/metrics`, { headers: { accept }, signal: AbortSignal.timeout(20_000) });
  const scrape = async (): Promise<Families> => {
    const texts = [...suite.apps.values()].map(async ({ url }) =>
      scraped(await (await ask(url, 'text/plain')).text()),
    );
    return together(await Promise.all(texts));
  };

  it('holds no id and no name that a user has made up, and is named as Prometheus names', () => {
    expect(faultsOf(families.values())).toEqual([]);
    for (const { name, labels } of families.values())
      for (const values of labels.values())
        expect([name, [...values].filter((value) => /4711|kitchen|cellar/.test(value))]).toEqual([
          name,
          [],
        ]);
  });

  it('is what the document says, all of it, with these labels and values', () => {
    const known = documented();
    expect([...families.keys()].toSorted()).toEqual([...known.keys()].toSorted());
    for (const { name, type, labels } of families.values()) {
      const row = known.get(name);
      expect([name, row?.type]).toEqual([name, type]);
      // What has not happened yet has no labels to compare.
      const seen = [...labels].filter(([label]) => !ALWAYS.includes(label));
      if (seen.length > 0)
        expect([name, seen.map(([label]) => label).toSorted()]).toEqual([
          name,
          [...(row?.labels.keys() ?? [])].toSorted(),
        ]);
      for (const [label, values] of seen) {
        const listed = row?.labels.get(label) ?? [];
        const unlisted =
          listed.length === 0 ? [] : [...values].filter((one) => !listed.includes(one));
        expect([name, label, unlisted]).toEqual([name, label, []]);
      }
    }
  });

  it('has counted what was done', () => {
    const isCounted = (name: string): boolean =>
      (families.get(name)?.values ?? []).some((value) => value > 0);
    const done = [
      'downbeat_commands_total',
      'downbeat_queries_total',
      'downbeat_log_events_total',
      'downbeat_log_flush_appends',
      'downbeat_saga_runs_started_total',
      'downbeat_saga_runs_ended_total',
      'downbeat_saga_run_duration_seconds',
      'downbeat_saga_step_duration_seconds',
      'downbeat_saga_calls_total',
      'downbeat_saga_compensations_total',
      'downbeat_saga_steps_failed_total',
      'downbeat_health_checks_total',
      'downbeat_registry_instances',
      'downbeat_dead_letters_total',
      'downbeat_observability_spans_total',
      'http_requests_total',
      'downbeat_ready',
    ];
    expect(done.filter((name) => !isCounted(name))).toEqual([]);
  });

  it('has the traces of values beside them for who asks for OpenMetrics, and for nobody else', async () => {
    for (const { url } of suite.apps.values()) {
      const answer = await ask(url, `${OPEN_METRICS},text/plain;q=0.5`);
      expect(answer.headers.get('content-type')).toContain('application/openmetrics-text');
      const text = await answer.text();
      expect(text.endsWith('# EOF\n')).toBe(true);
      expect(text).toMatch(/_bucket\{.*\} \d+ # \{trace_id="[0-9a-f]{32}"\} \d/);
      const plain = await ask(url, '*/*');
      expect(plain.headers.get('content-type')).toContain('text/plain');
      expect(await plain.text()).not.toContain('trace_id');
    }
  });
});
