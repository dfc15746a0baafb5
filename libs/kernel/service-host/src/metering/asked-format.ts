const OPEN_METRICS = 'application/openmetrics-text';
const ACCEPT_LENGTH_MAX = 1_000;

/** Whether who scrapes would rather have OpenMetrics, which has exemplars, than Prometheus' own text. */
export function asksForOpenMetrics(accept: string | undefined): boolean {
  if (accept === undefined || accept.length > ACCEPT_LENGTH_MAX) return false;
  const ranges = accept.split(',').map(rangeOf);
  const weightOf = (type: string): number =>
    Math.max(0, ...ranges.filter((range) => range.type === type).map(({ weight }) => weight));
  const weight = weightOf(OPEN_METRICS);
  return weight > 0 && weight >= weightOf('text/plain');
}

function rangeOf(range: string): { readonly type: string; readonly weight: number } {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  const quality = parameters.find((parameter) => parameter.startsWith('q='));
  const weight = quality === undefined ? 1 : Number(quality.slice(2));
  return { type, weight: Number.isFinite(weight) ? weight : 0 };
}
