/** What was counted, as `Registry.getMetricsAsJSON()` of prom-client has it. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly Sample[];
}

interface Sample {
  readonly value: number;
  readonly labels: Labels;
  readonly metricName?: string;
  readonly exemplar?: {
    readonly labelSet: Labels;
    readonly value: number | null;
    readonly timestamp?: number;
  } | null;
}

type Labels = Readonly<Record<string, string | number | undefined>>;

const TOTAL = /_total$/;

/**
 * The text that is OpenMetrics 1.0. prom-client writes it too, but for that it renames the counters of
 * its registry for good and has one format for everybody who asks.
 *
 * @see https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
 */
export function openMetricsText(families: readonly Family[]): string {
  return `${families.map(textOf).join('')}# EOF\n`;
}

function textOf({ name, help, type, values }: Family): string {
  const isCounter = type === 'counter';
  const family = isCounter ? name.replace(TOTAL, '') : name;
  const lines = [`# TYPE ${family} ${type}`, `# HELP ${family} ${escaped(help)}`];
  for (const { value, labels, metricName, exemplar } of values) {
    const sample = isCounter ? `${family}_total` : (metricName ?? name);
    const example = exemplar ? exampleText(exemplar) : '';
    lines.push(`${sample}${labelsText(labels)} ${numberText(value)}${example}`);
  }
  return `${lines.join('\n')}\n`;
}

function exampleText({ labelSet, value, timestamp }: NonNullable<Sample['exemplar']>): string {
  const at = timestamp === undefined ? '' : ` ${timestamp}`;
  return ` # ${labelsText(labelSet) || '{}'} ${numberText(value ?? 0)}${at}`;
}

function labelsText(labels: Labels): string {
  const parts = Object.entries(labels)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}="${name === 'le' ? boundText(value) : escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

/** Bounds are floats: 1 is written 1.0. */
function boundText(bound: string | number | undefined): string {
  const text = String(bound);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

const escaped = (text: string | number | undefined): string =>
  String(text).replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
