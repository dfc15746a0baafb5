import { z } from 'zod';
import { query } from '../contract';
import * as f from '../fields';
import { spanId, spanKind, spanStatus, text, traceId } from './spans';

const context = 'observability' as const;

const count = z.number().int();
const milliseconds = z.number();
const shownTags = z.record(z.string(), z.string());
const limitMs = z.coerce.number().min(0).max(1e12).optional();

/** What a trace must be to be listed; all that is given holds. */
const filter = {
  service_name: text(256).min(1).optional().describe('Some span is of this service'),
  operation_name: text(256).min(1).optional().describe('Some span has this name'),
  tags: z
    .string()
    .max(2_048)
    .regex(/^[^=,]+=[^,]*(,[^=,]+=[^,]*)*$/, 'must be name=value, joined by commas')
    .optional()
    .describe(
      'Each of them, as `name=value` joined by commas, is on some span. The first 128 different ones of a trace can be looked for, of 128 characters at most',
    ),
  duration_min_ms: limitMs,
  duration_max_ms: limitMs,
  start_time: f.instant.optional().describe('Began then or later'),
  end_time: f.instant.optional().describe('Began before'),
  has_errors: z.stringbool().or(z.boolean()).optional(),
  limit: f.pageLimit,
};

const traceStatus = spanStatus.describe(
  'The worst of its spans: error, timeout (none with another error), ok',
);

export const traceSummary = z.object({
  trace_id: traceId,
  root_service: z.string().describe('Of the root, or of the earliest span until it has come'),
  operation_name: z.string(),
  start_time: f.instant,
  duration_ms: milliseconds.describe('From the beginning of the first span to the end of the last'),
  span_count: count,
  service_count: count,
  error_count: count,
  status: traceStatus,
  tags: shownTags.describe('Of the root: 16 at most, each cut to 128 characters'),
});

const traceList = z.object({
  traces: z.array(traceSummary),
  trace_stats: z
    .object({
      total_traces: count,
      avg_duration_ms: milliseconds,
      error_rate: z.number().describe('Share of the traces that have an error, 0 to 1'),
      services_involved: z.array(z.string()).describe('200 at most'),
      is_cut: z
        .boolean()
        .describe(
          'There are older traces in the asked time than the newest 10,000, which were read',
        ),
    })
    .describe(
      'Of those that were looked for among the newest 10,000 traces of the asked time, not of this page alone',
    ),
  next_cursor: f.nextCursor,
});

export const listTraces = query({
  context,
  name: 'list-traces',
  summary:
    'Traces, the newest first. A page is looked for among 10,000 traces; the next one goes on behind them',
  input: z.strictObject({ ...filter, cursor: f.cursor }),
  answer: traceList,
  http: { method: 'GET', path: '/traces' },
});

export const searchTraces = query({
  context,
  name: 'search-traces',
  summary: 'The same, by page number for those who count: `offset` and `limit`',
  input: z.strictObject({
    ...filter,
    cursor: f.cursor,
    offset: z.coerce.number().int().min(0).max(10_000).default(0),
  }),
  answer: traceList,
  http: { method: 'GET', path: '/traces/search' },
});

export const traceSpan = z.object({
  span_id: spanId,
  parent_span_id: spanId.optional(),
  operation_name: z.string(),
  service_name: z.string(),
  span_kind: spanKind,
  start_time: f.instant.describe('With microseconds'),
  duration_microseconds: count,
  status_code: spanStatus,
  status_message: z.string().optional(),
  tags: shownTags,
  logs: z.array(
    z.object({
      timestamp: f.instant,
      level: z.string(),
      message: z.string(),
      fields: shownTags,
    }),
  ),
  log_count: count.describe('`logs` has as many of them as fit into 100 KB'),
  links: z.array(z.object({ trace_id: traceId, span_id: spanId })),
  children: z.array(spanId).describe('In the order of their beginnings; the first 1,000'),
  child_count: count,
  depth: count.describe('0: a root, or a span whose parent has not come'),
  on_critical_path_us: count.describe('How long the trace waited for this span itself'),
});

const isCut = z
  .boolean()
  .describe('More spans have come than are read: 50,000, or as many as are 32 MB');

export const getTrace = query({
  context,
  name: 'get-trace',
  summary: 'One trace: its spans as a tree, what it waited for, and who called whom in it',
  input: z.strictObject({
    trace_id: traceId,
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(1_000)
      .describe('Spans of a page; it ends earlier at 500 KB'),
    cursor: f.cursor,
  }),
  answer: z.object({
    trace: z.object({
      trace_id: traceId,
      total_duration_ms: milliseconds,
      span_count: count,
      service_count: count,
      error_count: count,
      start_time: f.instant,
      end_time: f.instant,
      root_operation: z.string(),
      root_service: z.string(),
      status: traceStatus,
      error_message: z.string().optional().describe('Of the first span that failed'),
    }),
    spans: z
      .array(traceSpan)
      .describe('Each before its children, siblings in the order of their beginnings'),
    critical_path: z
      .array(
        z.object({
          span_id: spanId,
          service_name: z.string(),
          operation_name: z.string(),
          start_offset_us: count.describe('Since the beginning of the trace'),
          duration_us: count,
        }),
      )
      .describe('What the trace waited for, in order of time; the 500 longest stretches'),
    service_map: z
      .array(
        z.object({
          source_service: z.string(),
          target_service: z.string(),
          request_count: count,
          error_count: count,
          avg_duration_ms: milliseconds,
        }),
      )
      .describe('The most frequent calls first; 500 at most'),
    is_cut: isCut,
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/traces/{trace_id}' },
});

const figures = z.object({
  count,
  error_count: count,
  total_ms: milliseconds.describe('Of all its spans together'),
  critical_ms: milliseconds.describe('How long the trace waited for them'),
});

const comparedTrace = z.object({
  trace_id: traceId,
  root_service: z.string(),
  root_operation: z.string(),
  start_time: f.instant,
  total_duration_ms: milliseconds,
  span_count: count,
  error_count: count,
  status: traceStatus,
});

export const compareTraces = query({
  context,
  name: 'compare-traces',
  summary: 'Two traces by what they are made of: why one is slower, or failed, and the other not',
  input: z.strictObject({ first: traceId, second: traceId }),
  answer: z.object({
    first: comparedTrace,
    second: comparedTrace,
    difference_ms: milliseconds.describe('How much longer the second one took'),
    services_added: z.array(z.string()).describe('In the second one alone; 200 at most'),
    services_removed: z.array(z.string()).describe('In the first one alone; 200 at most'),
    operations: z
      .array(
        z.object({
          service_name: z.string(),
          operation_name: z.string(),
          first: figures.optional(),
          second: figures.optional(),
          critical_difference_ms: milliseconds.describe(
            'What it adds to the second trace, in time waited for',
          ),
        }),
      )
      .describe('The largest difference first; 500 at most'),
    is_cut: isCut,
  }),
  http: { method: 'GET', path: '/traces/compare' },
});
