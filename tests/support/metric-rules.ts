import type { ScrapedFamily } from './scrape';

/** So many values a label may have in one suite; routes and event types are the most. */
const VALUES_MAX = 150;
/** Counted from outside, or by Node itself: how many there are says nothing of us. */
const NUMERIC_LABELS = ['le', 'status', 'major', 'minor', 'patch', 'version'];

const ID_LIKE = [
  /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i,
  /(?:^|[^a-z])[0-9a-f]{16,}(?:$|[^a-z])/i,
  /\d{3,}/,
  /\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}/,
  /@|\s/,
];

const SUFFIXES: Readonly<Record<string, (name: string) => boolean>> = {
  counter: (name) => name.endsWith('_total'),
  gauge: (name) => !/_(total|count|sum|bucket)$/.test(name),
  histogram: (name) => /_(seconds|bytes|appends)$/.test(name),
};

/** What is wrong with the metrics: ids or too many values as labels, names that are not Prometheus' way. */
export function faultsOf(families: Iterable<ScrapedFamily>): readonly string[] {
  return [...families].flatMap((family) => [...labelFaults(family), ...nameFaults(family)]);
}

function labelFaults({ name, labels }: ScrapedFamily): readonly string[] {
  return [...labels]
    .filter(([label]) => !NUMERIC_LABELS.includes(label))
    .flatMap(([label, values]) => [
      ...(values.size > VALUES_MAX ? [`${name}: ${label} has ${values.size} values`] : []),
      ...[...values]
        .filter((value) => ID_LIKE.some((pattern) => pattern.test(value)))
        .map((value) => `${name}: ${label}="${value}" looks like an id`),
    ]);
}

function nameFaults({ name, type, help }: ScrapedFamily): readonly string[] {
  const isNamed = SUFFIXES[type]?.(name) ?? false;
  return [
    ...(isNamed ? [] : [`${name}: is not how a ${type} is named`]),
    ...(/(milliseconds|_ms|minutes|kilobytes|_mb)(_|$)/.test(name)
      ? [`${name}: has not the base unit`]
      : []),
    ...(help === '' ? [`${name}: does not say what it is`] : []),
  ];
}
