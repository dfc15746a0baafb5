import { observabilityContract } from '@downbeat/contracts';
import { clockFault } from './clock-fault';
import { cutText } from './cut-text';
import type { HandedAttribute, HandedSpan } from './handed-over';
import type { RecordedSpan, SpanStatus } from './span';
import { withoutSecrets } from './without-secrets';

const {
  LINKS_MAX,
  LOGS_MAX,
  MESSAGE_LENGTH_MAX,
  NAME_LENGTH_MAX,
  SPAN_KINDS,
  TAG_NAME_LENGTH_MAX,
  TAG_VALUE_LENGTH_MAX,
  TAGS_MAX,
} = observabilityContract;

/** Why a span is not taken: what no cutting would mend. */
export interface Misfit {
  /** As OTLP's JSON names it: `traceId`. */
  readonly field: string;
  readonly message: string;
}

const ERROR = 2;

/**
 * A span as it is kept: what is too long is cut, what is too much left out, and characters that
 * Postgres cannot keep are replaced.
 *
 * @param atUs When it was handed over.
 */
export function fitSpan(handed: HandedSpan, atUs: number): RecordedSpan | Misfit {
  const { traceId, spanId, parentSpanId, startNs, endNs } = handed;
  const misfit =
    idMisfit('traceId', traceId, 32) ??
    idMisfit('spanId', spanId, 16) ??
    (isAbsent(parentSpanId) ? undefined : idMisfit('parentSpanId', parentSpanId, 16));
  if (misfit) return misfit;
  if (endNs < startNs) return { field: 'endTimeUnixNano', message: 'is before the start' };
  const start_us = Number(startNs / 1_000n);
  const duration_us = Number((endNs - startNs) / 1_000n);
  const fault = clockFault({ start_us, duration_us }, atUs);
  if (fault) return { field: CLOCK_FIELDS[fault.field], message: fault.message };
  const status = statusIn(handed);
  const logs = handed.events.slice(0, LOGS_MAX).map(({ timeNs, name, attributes }) => ({
    at_us: Number(within(timeNs, startNs, endNs) / 1_000n),
    name: nameIn(name),
    ...tagsIn(attributes),
  }));
  const links = handed.links
    .filter((link) => !idMisfit('', link.traceId, 32) && !idMisfit('', link.spanId, 16))
    .slice(0, LINKS_MAX);
  return {
    trace_id: traceId.toLowerCase(),
    span_id: spanId.toLowerCase(),
    ...(!isAbsent(parentSpanId) && { parent_span_id: parentSpanId.toLowerCase() }),
    operation_name: nameIn(handed.name),
    span_kind: SPAN_KINDS[handed.kind - 1] ?? 'internal',
    start_us,
    duration_us,
    ...(status !== 'ok' && { status_code: status }),
    ...(handed.statusMessage !== '' && {
      status_message: textIn(handed.statusMessage, MESSAGE_LENGTH_MAX),
    }),
    ...tagsIn(handed.attributes),
    ...(logs.length > 0 && { logs }),
    ...(links.length > 0 && {
      links: links.map((link) => ({
        trace_id: link.traceId.toLowerCase(),
        span_id: link.spanId.toLowerCase(),
      })),
    }),
  };
}

/** An event of a span happened while it ran, whatever the clock said. */
const within = (ns: bigint, fromNs: bigint, toNs: bigint): bigint =>
  ns < fromNs ? fromNs : ns > toNs ? toNs : ns;

const CLOCK_FIELDS = { start_us: 'startTimeUnixNano', duration_us: 'endTimeUnixNano' } as const;

/** No parent: nothing at all, or all zeros. */
const isAbsent = (id: string): boolean => /^0*$/.test(id);

function idMisfit(field: string, id: string, digits: number): Misfit | undefined {
  const isRight = id.length === digits && /^[0-9a-f]+$/i.test(id) && !isAbsent(id);
  if (isRight) return undefined;
  return { field, message: `must be ${digits / 2} bytes, not all of them 0` };
}

/** OpenTelemetry's conventions, HTTP's 408 and 504, and the code of gRPC. */
const isTimeout = (name: string, value: string): boolean =>
  (name === 'error.type' && /time_?d?_?out|^(408|504)$|deadline/i.test(value)) ||
  (name === 'rpc.grpc.status_code' && value === '4') ||
  (/^http\.(response\.)?status_code$/.test(name) && /^(408|504)$/.test(value));

function statusIn({ statusCode, attributes }: HandedSpan): SpanStatus {
  if (statusCode !== ERROR) return 'ok';
  return attributes.some(([name, value]) => isTimeout(name, value)) ? 'timeout' : 'error';
}

const nameIn = (name: string): string => textIn(name, NAME_LENGTH_MAX) || 'unknown';

/** U+FFFD stands for what cannot be kept. */
export const textIn = (text: string, lengthMax: number): string =>
  cutText(text, lengthMax).replace(/[\0\p{Cs}]/gu, '\ufffd');

/** Names that JavaScript would take for a prototype; no convention uses them. */
const UNUSABLE = new Set(['', '__proto__', 'constructor', 'prototype']);

/** Of a name that is given twice the first counts. */
export function tagsIn(attributes: readonly HandedAttribute[]): {
  readonly tags?: Record<string, string>;
} {
  const tags: Record<string, string> = {};
  let count = 0;
  for (const [name, value] of attributes) {
    if (count >= TAGS_MAX) break;
    const key = textIn(name, TAG_NAME_LENGTH_MAX);
    if (UNUSABLE.has(key) || Object.hasOwn(tags, key)) continue;
    tags[key] = textIn(withoutSecrets(name, value), TAG_VALUE_LENGTH_MAX);
    count++;
  }
  return count === 0 ? {} : { tags };
}
