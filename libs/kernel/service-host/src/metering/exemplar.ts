import { currentStory, traceIdOf } from '@downbeat/message-bus';

/** A trace that a value was measured in, as OpenMetrics has it beside a histogram's bucket. */
export type Exemplar = Record<string, string>;

const NONE: Exemplar = {};
/** The last bit of a `traceparent`: somebody keeps the trace. */
const isSampled = (traceparent: string): boolean =>
  (Number.parseInt(traceparent.slice(-2), 16) & 1) === 1;

/** @param traceparent That of the running story, when absent. Traces that nobody keeps are no example. */
export function exemplarOf(traceparent = currentStory()?.traceparent): Exemplar {
  if (traceparent === undefined || !isSampled(traceparent)) return NONE;
  return { trace_id: traceIdOf(traceparent) };
}
