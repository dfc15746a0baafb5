import type { AnswerOf, observabilityContract } from '@downbeat/contracts';
import {
  callMap,
  criticalPath,
  endOf,
  hasFailed,
  spanTree,
  statusOf,
  worst,
  type PlacedSpan,
  type Span,
  type Stretch,
} from '@downbeat/observability-domain';
import { isoOf } from './iso-of';
import type { OpenedTrace } from './opened-trace';
import { pageWithin, withinBytes, type Placed } from './within-bytes';

type Details = AnswerOf<typeof observabilityContract.getTrace>;
type ShownSpan = Details['spans'][number];

/** With what stands around it, a page fits into one message. */
const PAGE_BYTES_MAX = 500_000;
const STRETCHES_MAX = 500;
const CALLS_MAX = 500;
const AROUND_BYTES_MAX = 100_000;
/** A span may have as many children as its trace has spans; all of them stand in the tree. */
const CHILDREN_MAX = 1_000;
const LOGS_MAX = 128;
const LOGS_BYTES_MAX = 100_000;

/**
 * One trace, in full but for its spans, of which it is a page.
 *
 * @param spans At least one.
 * @param after How many spans of the tree stand on pages before.
 */
export function traceDetails({ spans, isCut }: OpenedTrace, after: number, limit: number): Details {
  const { tree, startUs, trace } = placedTrace(spans);
  const path = criticalPath(tree);
  const waitedFor = new Map<string, number>();
  for (const { span, from_us, to_us } of path)
    waitedFor.set(span.span_id, (waitedFor.get(span.span_id) ?? 0) + to_us - from_us);
  const page = pageWithin(shownFrom(), limit, PAGE_BYTES_MAX);
  function* shownFrom(): Iterable<Placed<ShownSpan>> {
    for (const [at, placed] of tree.slice(after, after + limit + 1).entries())
      yield {
        place: String(after + at + 1),
        shown: shownSpan(placed, waitedFor.get(placed.span.span_id) ?? 0),
      };
  }
  return {
    trace,
    spans: page.rows.map(({ shown }) => shown),
    critical_path: [
      ...withinBytes(
        longest(path).map((stretch) => shownStretch(stretch, startUs)),
        STRETCHES_MAX,
        AROUND_BYTES_MAX,
      ),
    ],
    service_map: withinBytes(callMap(tree), CALLS_MAX, AROUND_BYTES_MAX).map(
      ({ total_us, ...calls }) => ({
        ...calls,
        avg_duration_ms: total_us / calls.request_count / 1_000,
      }),
    ),
    is_cut: isCut,
    next_cursor: page.nextCursor,
  };
}

/** A trace as a tree, when it began, and what is said of the whole. */
export function placedTrace(spans: readonly Span[]) {
  const tree = spanTree(spans);
  const startUs = tree.reduce((start, { span }) => Math.min(start, span.start_us), Infinity);
  return { tree, startUs, trace: traceOf(tree, startUs) };
}

function traceOf(tree: readonly PlacedSpan[], startUs: number): Details['trace'] {
  const spans = tree.map(({ span }) => span);
  const endUs = spans.reduce((end, span) => Math.max(end, endOf(span)), 0);
  const failed = spans.filter(hasFailed).sort((one, other) => one.start_us - other.start_us);
  const message = failed.find(({ status_message }) => status_message)?.status_message;
  const root = spans.find(({ parent_span_id }) => parent_span_id === undefined) ?? spans[0];
  return {
    trace_id: root?.trace_id ?? '',
    total_duration_ms: (endUs - startUs) / 1_000,
    span_count: spans.length,
    service_count: new Set(spans.map(({ service_name }) => service_name)).size,
    error_count: failed.length,
    start_time: isoOf(startUs),
    end_time: isoOf(endUs),
    root_operation: root?.operation_name ?? '',
    root_service: root?.service_name ?? '',
    status: worst(failed.map(statusOf)),
    ...(message !== undefined && { error_message: message }),
  };
}

function shownSpan({ span, children, depth }: PlacedSpan, waitedForUs: number): ShownSpan {
  return {
    span_id: span.span_id,
    ...(span.parent_span_id !== undefined && { parent_span_id: span.parent_span_id }),
    operation_name: span.operation_name,
    service_name: span.service_name,
    span_kind: span.span_kind,
    start_time: isoOf(span.start_us),
    duration_microseconds: span.duration_us,
    status_code: statusOf(span),
    ...(span.status_message !== undefined && { status_message: span.status_message }),
    tags: span.tags ?? {},
    logs: [...withinBytes((span.logs ?? []).map(shownLog), LOGS_MAX, LOGS_BYTES_MAX)],
    log_count: span.logs?.length ?? 0,
    links: span.links ?? [],
    children: children.slice(0, CHILDREN_MAX).map(({ span_id }) => span_id),
    child_count: children.length,
    depth,
    on_critical_path_us: waitedForUs,
  };
}

/** OpenTelemetry's conventions: an exception is an event of that name. */
const EXCEPTION = 'exception';

function shownLog({ at_us, name, tags = {} }: NonNullable<Span['logs']>[number]) {
  const isException = name === EXCEPTION;
  return {
    timestamp: isoOf(at_us),
    level: tags['level'] ?? (isException ? 'error' : 'info'),
    message: (isException ? tags['exception.message'] : tags['message']) ?? name,
    fields: tags,
  };
}

const lengthOf = ({ from_us, to_us }: Stretch): number => to_us - from_us;

const longest = (path: readonly Stretch[]): readonly Stretch[] =>
  path.length <= STRETCHES_MAX
    ? path
    : path
        .toSorted((one, other) => lengthOf(other) - lengthOf(one))
        .slice(0, STRETCHES_MAX)
        .sort((one, other) => one.from_us - other.from_us);

const shownStretch = ({ span, from_us, to_us }: Stretch, startUs: number) => ({
  span_id: span.span_id,
  service_name: span.service_name,
  operation_name: span.operation_name,
  start_offset_us: from_us - startUs,
  duration_us: to_us - from_us,
});
