import { z } from 'zod';
import * as f from '../fields';

/**
 * Wakes the holders of breakers when settings or orders have changed: `{ position, service_name? }`; without a
 * service, or with `*`, whoever calls.
 */
export const BREAKER_HINT = 'hint.health.breakers';

export const breakerId = z
  .uuid()
  .describe('Derived from service_name, target_service and endpoint_pattern: always the same');

/** Of a rule: whoever calls, or whatever is called. */
export const ANY_SERVICE = '*';
export const serviceOrAny = f.name.or(z.literal(ANY_SERVICE));

/** What is called: a service, or whoever has a capability: `capability:invoicing@^1.2.0`. */
export const callTarget = f.name.or(f.line(300).startsWith('capability:'));
export const callTargetOrAny = callTarget.or(z.literal(ANY_SERVICE));

const METHOD = /^[A-Z]+$/;

/** `orders/42/` and `//orders/42` match the same, so that they are written the same: `/orders/42`. */
export function normalPattern(pattern: string): string {
  const [path = ''] = pattern.split('?');
  const segments = path.split(/[/ ]+/).filter((segment) => segment !== '');
  const [first, ...rest] = segments;
  if (first === undefined) return pattern;
  if (rest.length === 0 && /^\*\*?$/.test(first)) return '*';
  if (!METHOD.test(first)) return `/${segments.join('/')}`;
  return rest.length === 0 ? first : `${first} /${rest.join('/')}`;
}

/** As `GET /orders/*`: a star is one segment, at the end all that follow; alone it is everything. */
export const endpointPattern = f.line(200).overwrite(normalPattern);

export const breakerState = z.enum(['closed', 'open', 'half_open']);
export type SaidBreakerState = z.output<typeof breakerState>;

export const forcedMode = z.enum(['forced_open', 'forced_closed', 'metrics_only']);
export const breakerMode = z.enum(['automatic', ...forcedMode.options]);

const count = z.number().int().min(1);
const share = z.number().gt(0).max(1);
const seconds = z.number().gt(0).max(86_400);

/** What opens a breaker. Shares are from 0 to 1. */
export const tripRule = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('consecutive'), failures: count }),
  z.strictObject({
    kind: z.literal('count_window'),
    calls: count,
    calls_min: count,
    failure_share: share,
  }),
  z.strictObject({
    kind: z.literal('time_window'),
    window_seconds: seconds,
    calls_min: count,
    failure_share: share,
  }),
  z.strictObject({
    kind: z.literal('slow_calls'),
    window_seconds: seconds,
    calls_min: count,
    slow_ms: z.number().gt(0).max(3_600_000),
    slow_share: share,
  }),
]);

/** What the three plain numbers do not say; what is left out is as said here. */
const policy = z.strictObject({
  /** Any one of them opens it. Default: `failure_threshold` failures in a row. */
  rules: z.array(tripRule).min(1).max(5).optional(),
  /** Calls under way at once while the target is tried; default 1. */
  permits: count.optional(),
  /** Instead of permits: one call, two, four, … up to so many, each when those before came back well. */
  cohort_max: count.optional(),
  cohort_pause_ms: z.number().min(0).max(60_000).optional(),
  /** A call that tries the target and is not back by then has failed; default 60. */
  answer_seconds_max: seconds.optional(),
  /** By how much longer it stays open each time a trial fails; default 1, always the same. */
  open_factor: z.number().min(1).optional(),
  /** The longest it stays open; default `timeout_duration`. */
  open_seconds_max: seconds.optional(),
  /** Up to this share is added or taken away, so that replicas do not come back together; default 0.1. */
  open_jitter_share: z.number().min(0).max(1).optional(),
});

/** What a breaker is to do. */
export const breakerSettings = {
  /** Failures in a row that open it, unless `policy.rules` say otherwise. */
  failure_threshold: count,
  /** Successes, while it is tried, that close it. */
  success_threshold: count,
  /** Seconds that it is open before somebody tries. */
  timeout_duration: seconds,
  policy: policy.optional(),
};
