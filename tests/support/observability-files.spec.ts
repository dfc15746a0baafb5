import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { alerts, anchors, asked, dashboards, documented, missingIn } from './observability-files';

const WORKSPACE = join(__dirname, '..', '..');

interface Service {
  readonly image: string;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly volumes?: readonly string[];
  readonly mem_limit?: string;
}
interface Composed {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: object;
  readonly networks: object;
}
interface Scraped {
  readonly dns_sd_configs: readonly { readonly names: readonly string[] }[];
}
interface Provisioned {
  readonly scrape_configs: readonly Scraped[];
  readonly rule_files: readonly string[];
  readonly datasources: readonly object[];
}

const isThere = (path: string): boolean => existsSync(join(WORKSPACE, path));
const composed = (): Composed =>
  parse(readFileSync(join(WORKSPACE, 'docker-compose.yml'), 'utf8'), {
    merge: true,
    maxAliasCount: -1,
  }) as Composed;
const yaml = (path: string): Provisioned =>
  parse(readFileSync(join(WORKSPACE, 'deploy', 'observability', path), 'utf8')) as Provisioned;

const known = documented();
const missing = (expression: string) => missingIn({ place: 'planted', expression }, known);

describe('dashboards and alerts', () => {
  it.each(asked().map(({ place, expression }) => [place, expression]))(
    'read what is documented: %s, %s',
    (place, expression) => expect(missingIn({ place, expression }, known)).toEqual([]),
  );

  it.each([
    ['downbeat_saga_run_total', 'planted: no metric downbeat_saga_run_total'],
    ['downbeat_saga_runs{state="running"}', 'planted: downbeat_saga_runs has no label state'],
    ['downbeat_saga_runs{status="walking"}', 'planted: downbeat_saga_runs has no status walking'],
    ['sum by (workflow) (downbeat_saga_runs)', 'planted: no label workflow'],
    [
      'rate(downbeat_command_duration_seconds[5m])',
      'planted: downbeat_command_duration_seconds is not how a histogram is read',
    ],
    ['rate(downbeat_ready_count[5m])', 'planted: downbeat_ready_count is not how a gauge is read'],
  ])('are looked at: %s', (expression, complaint) => {
    expect(missing(expression)).toEqual([complaint]);
  });

  it('are four dashboards, whose panels have a place of their own and say what they show', () => {
    expect(dashboards().map(({ title }) => title)).toEqual([
      'Downbeat: Queues and the log',
      'Downbeat: Sagas',
      'Downbeat: Services and calls',
      'Downbeat: Suite overview',
    ]);
    for (const { panels } of dashboards()) {
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
      );
      expect(new Set(cells).size).toBe(cells.length);
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      for (const { description, datasource, gridPos, targets } of panels) {
        expect(description).toBeTruthy();
        expect(datasource?.uid).toBe('downbeat-prometheus');
        expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
        expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      }
    }
  });

  it('are what tools/dashboards makes', () => {
    const make = join(WORKSPACE, 'tools', 'dashboards', 'make.mjs');
    expect(() =>
      execFileSync(process.execPath, [make, '--check'], { stdio: 'pipe' }),
    ).not.toThrow();
  });

  it.each(alerts().map((alert) => [alert.alert, alert] as const))(
    '%s says how bad it is, since when, and what to do',
    (name, alert) => {
      expect(alert.for).toMatch(/^\d+[smh]$/);
      expect(['critical', 'warning', 'info']).toContain(alert.labels?.severity);
      expect(alert.annotations?.['summary']).toBeTruthy();
      const url = alert.annotations?.['runbook_url'] ?? '';
      expect(url).toBe(`docs/metrics.md#${name.toLowerCase()}`);
      expect(anchors()).toContain(url.split('#')[1]);
    },
  );
});

describe('the profile observability', () => {
  const { services, volumes, networks } = composed();
  const [prometheus, grafana] = [services['prometheus'], services['grafana']];

  it.each([
    ['prometheus', prometheus],
    ['grafana', grafana],
  ])('%s is started with it alone, pinned, confined and on this machine alone', (_, service) => {
    expect(service?.profiles).toEqual(['observability']);
    expect(service?.image).toMatch(/^[a-z]+\/[a-z]+:v?\d+\.\d+\.\d+$/);
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    expect(service?.mem_limit).toBeTruthy();
    for (const port of service?.ports ?? [])
      expect(port).toMatch(/^127\.0\.0\.1:\$\{\w+:-\d+\}:\d+$/);
    for (const network of service?.networks ?? []) expect(Object.keys(networks)).toContain(network);
  });

  it('mounts what is there', () => {
    const sources = [prometheus, grafana].flatMap((one) =>
      (one?.volumes ?? []).map((volume) => volume.split(':')[0] ?? ''),
    );
    for (const source of sources)
      expect([source, source.startsWith('./') ? isThere(source) : source in volumes]).toEqual([
        source,
        true,
      ]);
  });

  it('scrapes every app, and reads Prometheus in Grafana under the name that panels use', () => {
    const { scrape_configs, rule_files } = yaml('prometheus.yml');
    const names = scrape_configs.flatMap(({ dns_sd_configs }) =>
      dns_sd_configs.flatMap((one) => one.names),
    );
    expect(names).toEqual(['registry', 'health', 'saga', 'orchestrator', 'gateway']);
    const mounted = (prometheus?.volumes ?? []).map((volume) => volume.split(':')[1]);
    for (const file of rule_files) expect(mounted).toContain(file);
    const { datasources } = yaml('grafana/provisioning/datasources/prometheus.yml');
    expect(datasources).toMatchObject([
      { uid: 'downbeat-prometheus', url: 'http://prometheus:9090' },
    ]);
  });
});
