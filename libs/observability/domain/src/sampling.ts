import { hasFailed, type RecordedSpan, type SpansOfResource } from './span';

/** Which traces are kept whatever they say, and what makes one worth keeping. */
export interface Sampling {
  /** 0 to 1. */
  readonly share: number;
  /** A span that takes as long is worth keeping its trace for. */
  readonly slowUs: number;
}

/** Spans of one request by what is to become of them. */
export interface Sampled {
  readonly kept: readonly (readonly SpansOfResource[])[];
  /** Nothing speaks for these traces yet. */
  readonly undecided: readonly UndecidedTrace[];
}

export interface UndecidedTrace {
  readonly trace_id: string;
  readonly resources: readonly SpansOfResource[];
}

/** The digits that W3C trace context wants to be random, less the last one: what a number holds exactly. */
const [RANDOM_FROM, RANDOM_TO, RANDOM_VALUES] = [18, 31, 2 ** 52];

/**
 * True for `share` of the traces, for the same ones everywhere and at any time, and for more of the
 * same when the share grows.
 *
 * @see OpenTelemetry, "TraceState: Probability Sampling": kept when the randomness reaches the threshold.
 */
export const isSampled = (traceId: string, share: number): boolean =>
  parseInt(traceId.slice(RANDOM_FROM, RANDOM_TO), 16) >= (1 - share) * RANDOM_VALUES;

/** True for a span that its whole trace is kept for. */
export const isTelling = (span: RecordedSpan, { slowUs }: Sampling): boolean =>
  hasFailed(span) || span.duration_us >= slowUs;

/** A trace is kept as a whole, as far as its spans are known here. */
export function sampledSpans(
  batches: readonly (readonly SpansOfResource[])[],
  sampling: Sampling,
): Sampled {
  if (sampling.share >= 1) return { kept: batches, undecided: [] };
  const wanted = wantedTraces(batches, sampling);
  const undecided = new Map<string, SpansOfResource[]>();
  const kept = batches
    .map((batch) =>
      batch.flatMap((resource) => {
        for (const [traceId, part] of othersIn(resource, wanted))
          undecided.set(traceId, [...(undecided.get(traceId) ?? []), part]);
        const spans = resource.spans.filter(({ trace_id }) => wanted.has(trace_id));
        return spans.length === 0 ? [] : [{ ...resource, spans }];
      }),
    )
    .filter((batch) => batch.length > 0);
  return {
    kept,
    undecided: [...undecided].map(([trace_id, resources]) => ({ trace_id, resources })),
  };
}

function wantedTraces(
  batches: readonly (readonly SpansOfResource[])[],
  sampling: Sampling,
): ReadonlySet<string> {
  const wanted = new Set<string>();
  for (const batch of batches)
    for (const { spans } of batch)
      for (const span of spans)
        if (isTelling(span, sampling) || isSampled(span.trace_id, sampling.share))
          wanted.add(span.trace_id);
  return wanted;
}

/** The spans of a resource that belong to no wanted trace, by trace. */
function othersIn(
  { spans, ...head }: SpansOfResource,
  wanted: ReadonlySet<string>,
): ReadonlyMap<string, SpansOfResource> {
  const parts = new Map<string, SpansOfResource>();
  for (const span of spans) {
    if (wanted.has(span.trace_id)) continue;
    const part = parts.get(span.trace_id);
    if (part) part.spans.push(span);
    else parts.set(span.trace_id, { ...head, spans: [span] });
  }
  return parts;
}
