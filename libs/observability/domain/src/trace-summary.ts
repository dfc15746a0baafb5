import { cutText } from './cut-text';
import { byStart, endOf, hasFailed, statusOf, type Span, type SpanStatus } from './span';
import { pairsWith } from './tag-search';

const SERVICES_MAX = 200;
const OPERATIONS_MAX = 200;
const ROOT_TAGS_MAX = 16;
const ROOT_TAG_LENGTH_MAX = 128;

/** What a list says of a trace; it grows with each batch that brings spans of it. */
export interface TraceSummary {
  readonly trace_id: string;
  readonly root_span_id: string;
  readonly root_service: string;
  readonly root_operation: string;
  readonly root_start_us: number;
  readonly root_tags: Readonly<Record<string, string>>;
  /** False: the root has not come, and the earliest span stands for it. */
  readonly has_root: boolean;
  readonly start_us: number;
  readonly end_us: number;
  readonly span_count: number;
  readonly error_count: number;
  readonly status: SpanStatus;
  readonly services: readonly string[];
  readonly operations: readonly string[];
  readonly pairs: readonly string[];
}

/** @param spans Of this trace, at least one. */
export function withSpans(
  before: TraceSummary | undefined,
  spans: readonly [Span, ...Span[]],
): TraceSummary {
  const [first] = spans;
  const [earliest = first] = spans.toSorted(byStart);
  const [root] = spans.filter(({ parent_span_id }) => parent_span_id === undefined).sort(byStart);
  return {
    trace_id: first.trace_id,
    ...standingRoot(before, root ?? earliest, root !== undefined),
    start_us: Math.min(before?.start_us ?? Infinity, earliest.start_us),
    end_us: spans.reduce((end, span) => Math.max(end, endOf(span)), before?.end_us ?? 0),
    span_count: (before?.span_count ?? 0) + spans.length,
    error_count: (before?.error_count ?? 0) + spans.filter(hasFailed).length,
    status: worst([before?.status ?? 'ok', ...spans.map(statusOf)]),
    services: namesWith(before?.services, SERVICES_MAX, spans, ({ service_name }) => service_name),
    operations: namesWith(
      before?.operations,
      OPERATIONS_MAX,
      spans,
      ({ operation_name }) => operation_name,
    ),
    pairs: pairsWith(before?.pairs ?? [], spans),
  };
}

export const worst = (all: readonly SpanStatus[]): SpanStatus =>
  all.find((one) => one === 'error') ?? all.find((one) => one === 'timeout') ?? 'ok';

type Root = Pick<
  TraceSummary,
  'root_span_id' | 'root_service' | 'root_operation' | 'root_start_us' | 'root_tags' | 'has_root'
>;

/** A root stands before what is none, and an earlier one before a later one. */
function standingRoot(before: TraceSummary | undefined, span: Span, isRoot: boolean): Root {
  const isBetter =
    !before ||
    (isRoot && !before.has_root) ||
    (isRoot === before.has_root && span.start_us < before.root_start_us);
  if (!isBetter) return before;
  return {
    root_span_id: span.span_id,
    root_service: span.service_name,
    root_operation: span.operation_name,
    root_start_us: span.start_us,
    root_tags: Object.fromEntries(
      Object.entries(span.tags ?? {})
        .slice(0, ROOT_TAGS_MAX)
        .map(([name, value]) => [name, cutText(value, ROOT_TAG_LENGTH_MAX)]),
    ),
    has_root: isRoot,
  };
}

function namesWith(
  names: readonly string[] = [],
  max: number,
  spans: readonly Span[],
  nameOf: (span: Span) => string,
): readonly string[] {
  const all = new Set(names);
  for (const span of spans) if (all.size < max) all.add(nameOf(span));
  return all.size === names.length ? names : [...all];
}
