import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { alerts, anchors, asked, dashboards, documented, missingIn } from './observability-files';

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
    const make = join(__dirname, '..', '..', 'tools', 'dashboards', 'make.mjs');
    expect(() =>
      execFileSync(process.execPath, [make, '--check'], { stdio: 'pipe' }),
    ).not.toThrow();
  }, 60_000);

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
