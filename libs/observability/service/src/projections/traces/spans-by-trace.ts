import { spansOf, type Span, type SpansRecorded } from '@downbeat/observability-domain';

const known = new WeakMap<SpansRecorded['data'], ReadonlyMap<string, readonly Span[]>>();

/** The spans of an event, by trace: each table asks once for each trace of it. */
export function spansByTrace(data: SpansRecorded['data']): ReadonlyMap<string, readonly Span[]> {
  const found = known.get(data);
  if (found) return found;
  const byTrace = new Map<string, Span[]>();
  for (const span of spansOf(data.resources)) {
    const spans = byTrace.get(span.trace_id);
    if (spans) spans.push(span);
    else byTrace.set(span.trace_id, [span]);
  }
  known.set(data, byTrace);
  return byTrace;
}
