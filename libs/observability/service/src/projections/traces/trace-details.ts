import { jsonBytes, type AnswerOf, type observabilityContract } from '@downbeat/contracts';
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
import { pageOf } from '@downbeat/service-host';
import { isoOf } from './iso-of';

type Details = AnswerOf<typeof observabilityContract.getTrace>;
type ShownSpan = Details['spans'][number];

/** With what stands around it, a page fits into one message. */
const PAGE_BYTES_MAX = 600_000;
const STRETCHES_MAX = 500;

/**
 * One trace, in full but for its spans, of which it is a page.
 *
 * @param spans At least one.
 * @param after How many spans of the tree stand on pages before.
 */
export function traceDetails(spans: readonly Span[], after: number, limit: number): Details {
  const { tree, startUs, trace } = placedTrace(spans);
  const path = criticalPath(tree);
  const waitedFor = new Map<string, number>();
  for (const { span, from_us, to_us } of path)
    waitedFor.set(span.span_id, (waitedFor.get(span.span_id) ?? 0) + to_us - from_us);
  const shown: (ShownSpan & { place: number })[] = [];
  let bytes = 0;
  for (const [at, placed] of tree.slice(after, after + limit + 1).entries()) {
    const one = shownSpan(placed, waitedFor.get(placed.span.span_id) ?? 0);
    bytes += jsonBytes(one);
    shown.push({ ...one, place: after + at + 1 });
    if (bytes > PAGE_BYTES_MAX && shown.length > 1) break;
  }
  const fits = Math.min(limit, bytes > PAGE_BYTES_MAX ? Math.max(1, shown.length - 1) : limit);
  const page = pageOf(shown, fits, ({ place }) => String(place));
  return {
    trace,
    spans: page.rows.map(({ place: _, ...span }) => span),
    critical_path: longest(path).map((stretch) => shownStretch(stretch, startUs)),
    service_map: callMap(tree).map(({ total_us, ...calls }) => ({
      ...calls,
      avg_duration_ms: total_us / calls.request_count / 1_000,
    })),
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
    logs: (span.logs ?? []).map(shownLog),
    links: span.links ?? [],
    children: children.map(({ span_id }) => span_id),
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
