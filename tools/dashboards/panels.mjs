/** Panels and dashboards as Grafana reads them, from the little that differs between them. */

const WIDTH = 24;
const HEIGHT = 8;
const DATASOURCE = { type: 'prometheus', uid: 'downbeat-prometheus' };

/**
 * Lines over time.
 *
 * @param queries Pairs of an expression and how its lines are called.
 */
export const lines = (title, unit, description, ...queries) => ({
  type: 'timeseries',
  title,
  description,
  width: 12,
  queries,
  fieldConfig: {
    defaults: { unit, min: 0, custom: { lineWidth: 1, fillOpacity: 8, showPoints: 'never' } },
    overrides: [],
  },
  options: {
    legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] },
    tooltip: { mode: 'multi', sort: 'desc' },
  },
});

/** The same, with a dot for each trace that is an example. */
export const durations = (title, description, ...queries) => ({
  ...lines(title, 's', description, ...queries),
  hasExemplars: true,
});

/** A number now. @param bad From this on it is red; above 0 and below it stays as it is. */
export const number = (title, unit, description, query, bad) => ({
  type: 'stat',
  title,
  description,
  width: 4,
  height: 4,
  queries: [query],
  fieldConfig: {
    defaults: {
      unit,
      noValue: '-',
      thresholds: {
        mode: 'absolute',
        steps: [
          { color: 'green', value: null },
          ...(bad === undefined ? [] : [{ color: 'red', value: bad }]),
        ],
      },
    },
    overrides: [],
  },
  options: { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'area' },
});

/** Green for 1, red for 0, one field for each line. */
export const lights = (title, description, query) => ({
  ...number(title, 'none', description, query),
  width: WIDTH,
  fieldConfig: {
    defaults: {
      mappings: [
        {
          type: 'value',
          options: {
            0: { text: 'no', color: 'red', index: 0 },
            1: { text: 'yes', color: 'green', index: 1 },
          },
        },
      ],
    },
    overrides: [],
  },
  options: {
    reduceOptions: { calcs: ['lastNotNull'] },
    colorMode: 'background',
    textMode: 'value_and_name',
  },
});

/** The wait below which `share` of the observations were. */
export const quantile = (share, metric, by = []) =>
  `histogram_quantile(${share}, sum by (${['le', ...by].join(', ')}) (rate(${metric}[$__rate_interval])))`;

/** p50, p95 and p99 of one histogram. */
export const percentiles = (metric, by = []) =>
  [0.5, 0.95, 0.99].map((share) => [
    quantile(share, metric, by),
    `p${share * 100}${by.map((label) => ` {{${label}}}`).join('')}`,
  ]);

export const rate = (metric, by = []) =>
  by.length === 0
    ? `sum(rate(${metric}[$__rate_interval]))`
    : `sum by (${by.join(', ')}) (rate(${metric}[$__rate_interval]))`;

export function dashboard(uid, title, description, panels) {
  let [x, y, rowHeight] = [0, 0, 0];
  const placed = panels.map(
    ({ width, height = HEIGHT, queries, hasExemplars = false, ...panel }, index) => {
      if (x + width > WIDTH) [x, y, rowHeight] = [0, y + rowHeight, 0];
      const gridPos = { x, y, w: width, h: height };
      x += width;
      rowHeight = Math.max(rowHeight, height);
      const targets = queries.map(([expr, legendFormat], nth) => ({
        refId: String.fromCharCode(65 + nth),
        expr,
        legendFormat,
        ...(hasExemplars && nth === queries.length - 1 ? { exemplar: true } : {}),
      }));
      return { id: index + 1, ...panel, datasource: DATASOURCE, gridPos, targets };
    },
  );
  return {
    uid,
    title,
    description,
    tags: ['downbeat'],
    schemaVersion: 39,
    editable: false,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    links: [{ type: 'dashboards', title: 'Downbeat', tags: ['downbeat'], asDropdown: true }],
    panels: placed,
  };
}
