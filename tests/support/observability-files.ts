import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readQuery } from './promql';

const WORKSPACE = join(__dirname, '..', '..');
export const DASHBOARDS = 'deploy/observability/grafana/dashboards';
export const ALERTS = 'deploy/observability/alerts.yml';
export const DOCUMENT = 'docs/metrics.md';

const read = (path: string): string => readFileSync(join(WORKSPACE, path), 'utf8');

/** A query, and where it stands. */
export interface Asked {
  readonly place: string;
  readonly expression: string;
}

export interface Panel {
  readonly id: number;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly datasource?: { readonly uid: string };
  readonly targets: readonly { readonly expr: string; readonly refId: string }[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: { readonly severity?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

export const dashboards = (): readonly Dashboard[] =>
  readdirSync(join(WORKSPACE, DASHBOARDS)).map(
    (file) => JSON.parse(read(join(DASHBOARDS, file))) as Dashboard,
  );

export const alerts = (): readonly Alert[] =>
  (parse(read(ALERTS)) as { groups: { rules: Alert[] }[] }).groups.flatMap(({ rules }) => rules);

export const asked = (): readonly Asked[] => [
  ...dashboards().flatMap(({ title, panels }) =>
    panels.flatMap((panel) =>
      panel.targets.map(({ expr }) => ({ place: `${title}: ${panel.title}`, expression: expr })),
    ),
  ),
  ...alerts().map(({ alert, expr }) => ({ place: alert, expression: expr })),
];

/** A row of the document. */
export interface Documented {
  readonly name: string;
  readonly type: string;
  /** Each with the values that are listed; none: they are not enumerated. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
}

export function documented(text = read(DOCUMENT)): ReadonlyMap<string, Documented> {
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  return new Map(
    rows.map(([, name = '', type = '', , labels = '']) => {
      const plain = name.replaceAll('`', '');
      return [plain, { name: plain, type, labels: labelsIn(labels) }];
    }),
  );
}

/** `` `a`, `b`: one, two; `c` ``. */
function labelsIn(cell: string): ReadonlyMap<string, readonly string[]> {
  return new Map(
    cell.split(';').flatMap((part) => {
      const [names = '', values = ''] = part.split(':');
      const labels = [...names.matchAll(/`([^`]+)`/g)].map(([, label = '']) => label);
      const listed = values
        .split(',')
        .map((value) => value.trim())
        .filter(Boolean);
      // Values are those of the label right before them.
      return labels.map((label, at) => [label, at === labels.length - 1 ? listed : []] as const);
    }),
  );
}

/** Places that others may point to. */
export const anchors = (text = read(DOCUMENT)): ReadonlySet<string> =>
  new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading.toLowerCase().replaceAll(' ', '-'),
    ),
  );

const PART = /_(bucket|sum|count)$/;
/** Prometheus puts them on every sample, and our registry `service`. */
const ALWAYS = ['job', 'instance', 'service'];
/** Of Prometheus itself, of what it scrapes. */
const OF_PROMETHEUS = ['up'];

/** What a query asks for and no process shows. */
export function missingIn(
  { place, expression }: Asked,
  known: ReadonlyMap<string, Documented>,
): readonly string[] {
  const { readings, groupings } = readQuery(expression);
  const found = readings.map(
    ({ metric }) => known.get(metric) ?? known.get(metric.replace(PART, '')),
  );
  const isThere = (label: string) =>
    ALWAYS.includes(label) ||
    found.some((one) => one?.labels.has(label) || (label === 'le' && one?.type === 'histogram'));
  return [
    ...readings.flatMap(({ metric, matchers }, at) => {
      const one = found[at];
      if (!one) return OF_PROMETHEUS.includes(metric) ? [] : [`${place}: no metric ${metric}`];
      if ((one.type === 'histogram') !== (metric !== one.name))
        return [`${place}: ${metric} is not how a ${one.type} is read`];
      return [...matchers].flatMap(([label, value]) => {
        if (ALWAYS.includes(label)) return [];
        const values = one.labels.get(label);
        if (!values) return [`${place}: ${metric} has no label ${label}`];
        const wanted = values.length === 0 ? [] : value.split('|');
        return wanted
          .filter((each) => !values.includes(each))
          .map((each) => `${place}: ${metric} has no ${label} ${each}`);
      });
    }),
    ...groupings.filter((label) => !isThere(label)).map((label) => `${place}: no label ${label}`),
  ];
}
