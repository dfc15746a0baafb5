import { z } from 'zod';
import { command } from '../contract';
import * as f from '../fields';

const context = 'observability' as const;

/** One command, and so one event, has at most so many. */
export const SPANS_OF_BATCH_MAX = 1_000;
export const TAGS_MAX = 128;
export const TAG_NAME_LENGTH_MAX = 256;
export const TAG_VALUE_LENGTH_MAX = 4_096;
export const LOGS_MAX = 128;
export const LINKS_MAX = 32;
export const NAME_LENGTH_MAX = 256;
export const MESSAGE_LENGTH_MAX = 1_024;

/** Somebody else's words, in any script and with line breaks, but such as a database can keep. */
export const text = (lengthMax: number) =>
  z
    .string()
    .max(lengthMax)
    .regex(/^[^\0\p{Cs}]*$/u, 'must not hold NUL or half of a surrogate pair');

const hexId = (digits: number) =>
  z
    .string()
    .regex(
      new RegExp(`^(?!0+$)[0-9a-f]{${digits}}$`),
      `must be ${digits} hexadecimal digits in lower case, not all of them 0`,
    );

/** Of W3C trace context: 16 bytes, 8 bytes. */
export const traceId = hexId(32);
export const spanId = hexId(16);

/** Microseconds: since 1970, or of a duration. */
const micros = z.number().int().min(0);

export const tags = z
  .record(text(TAG_NAME_LENGTH_MAX).min(1), text(TAG_VALUE_LENGTH_MAX))
  .refine((all) => Object.keys(all).length <= TAGS_MAX, `must not be more than ${TAGS_MAX}`);

export const SPAN_KINDS = ['internal', 'server', 'client', 'producer', 'consumer'] as const;
export const spanKind = z.enum(SPAN_KINDS);

export const spanStatus = z.enum(['ok', 'error', 'timeout']);

export const span = z.strictObject({
  trace_id: traceId,
  span_id: spanId,
  parent_span_id: spanId.optional(),
  operation_name: text(NAME_LENGTH_MAX).min(1),
  span_kind: spanKind,
  start_us: micros.describe('Microseconds since 1970'),
  duration_us: micros,
  status_code: spanStatus.optional().describe('Absent: ok'),
  status_message: text(MESSAGE_LENGTH_MAX).optional(),
  tags: tags.optional(),
  logs: z
    .array(
      z.strictObject({ at_us: micros, name: text(NAME_LENGTH_MAX).min(1), tags: tags.optional() }),
    )
    .max(LOGS_MAX)
    .optional(),
  links: z
    .array(z.strictObject({ trace_id: traceId, span_id: spanId }))
    .max(LINKS_MAX)
    .optional(),
});

/** What one process, or one part of it, did. */
export const spansOfResource = z.strictObject({
  service_name: text(NAME_LENGTH_MAX).min(1),
  tags: tags.optional().describe('The same for all its spans: host, version, process'),
  spans: z.array(span).min(1).max(SPANS_OF_BATCH_MAX),
});

export const recordSpans = command({
  context,
  name: 'RecordSpans',
  summary:
    'Keep the spans that an exporter handed over at once. SDKs send them to `/v1/traces` of the health app, which makes these commands',
  idField: 'batch_id',
  data: z.strictObject({
    batch_id: f.externalId.describe('The same for every repetition: a batch is kept once'),
    resources: z
      .array(spansOfResource)
      .min(1)
      .max(SPANS_OF_BATCH_MAX)
      .refine(
        (all) => all.reduce((sum, { spans }) => sum + spans.length, 0) <= SPANS_OF_BATCH_MAX,
        `must not have more than ${SPANS_OF_BATCH_MAX} spans together`,
      ),
  }),
  answer: z.object({ batch_id: f.externalId, span_count: z.number().int() }),
  example: {
    batch_id: 'shop-1-17',
    resources: [
      {
        service_name: 'shop',
        spans: [
          {
            trace_id: '0af7651916cd43dd8448eb211c80319c',
            span_id: 'b7ad6b7169203331',
            operation_name: 'POST /orders',
            span_kind: 'server',
            start_us: 1_772_357_400_000_000,
            duration_us: 12_500,
            tags: { 'http.response.status_code': '201' },
          },
        ],
      },
    ],
  },
  // A thousand spans with twenty tags each; 1 MiB bounds them anyway.
  keysMax: 100_000,
  http: { method: 'POST', path: '/traces/batches/{batch_id}' },
});
