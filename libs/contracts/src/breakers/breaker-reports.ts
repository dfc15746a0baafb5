import { z } from 'zod';
import { command } from '../contract';
import * as f from '../fields';
import { quotedId } from '../subject-ids';
import {
  breakerId,
  breakerMode,
  breakerSettings,
  breakerState,
  callTarget,
  endpointPattern,
  tripRule,
} from './breaker-fields';

const context = 'health' as const;

const counted = z.number().int().min(0);

/** What a rule had seen when it opened the breaker, and what it opens at. */
const evidence = z.strictObject({
  rule: z.enum(tripRule.options.map(({ shape }) => shape.kind.value)),
  calls: counted,
  failures: counted,
  slow: counted,
  share: z.number(),
  threshold: z.number(),
});

const forced = { until: f.instant, reason: f.line(500) };

/** Why a breaker changed, with what it knew. */
export const breakerCause = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('tripped'), evidence }),
  z.strictObject({ kind: z.literal('waited') }),
  z.strictObject({
    kind: z.literal('trial_failed'),
    was_slow: z.boolean(),
    successes: counted,
  }),
  z.strictObject({
    kind: z.literal('trial_unanswered'),
    under_way: counted,
    successes: counted,
  }),
  z.strictObject({ kind: z.literal('trial_passed'), successes: counted }),
  z.strictObject({ kind: z.literal('forced'), ...forced }),
  z.strictObject({ kind: z.literal('force_expired'), ...forced }),
  z.strictObject({ kind: z.literal('force_lifted'), ...forced, why: f.line(500) }),
  z.strictObject({ kind: z.literal('reset'), reason: f.line(500) }),
]);

const transition = z.strictObject({
  at: f.instant,
  from: breakerState,
  to: breakerState,
  /** Who decides from now on. */
  mode: breakerMode,
  /** When somebody may try, of one that is open now. */
  until: f.instant.optional(),
  cause: breakerCause,
});

/** Calls that ended within some time; in what order is not known. */
const interval = z.strictObject({
  from: f.instant,
  seconds: z.number().int().min(1).max(2_592_000),
  calls: counted,
  failures: counted,
  slow: counted.default(0),
  /** Calls that it kept away: refused, or made to wait. */
  refused: counted.default(0),
  /** The longest row of failures among them. */
  failures_in_a_row: counted.default(0),
});

const carriedOut = z.strictObject({
  /** Whose order it was: of a breaker, or of a rule with `*`. */
  breaker_id: breakerId,
  order_no: z.number().int().min(1),
  at: f.instant,
});

/** One breaker of a holder: how it is, and what is new of it. */
const held = z.strictObject({
  service_name: f.name,
  target_service: callTarget,
  endpoint_pattern: endpointPattern.default('*'),
  state: breakerState,
  mode: breakerMode.default('automatic'),
  /** Absent: since it was made. */
  since: f.instant.optional(),
  next_attempt_at: f.instant.optional(),
  last_failure_at: f.instant.optional(),
  /** Failures that count against it now. */
  failure_count: counted,
  /** Successes of the trial under way. */
  success_count: counted.default(0),
  failure_threshold: breakerSettings.failure_threshold,
  success_threshold: breakerSettings.success_threshold,
  timeout_duration: breakerSettings.timeout_duration,
  /** The settings it follows; absent: its holder's own, or the suite's defaults. */
  follows: breakerId.optional(),
  transitions: z.array(transition).max(200).default([]),
  /** Older ones for which there was no room until somebody could be told. */
  transitions_lost: counted.default(0),
  calls: z.array(interval).max(500).default([]),
  orders_done: z.array(carriedOut).max(20).default([]),
});

/** With the counts, no more events than one append takes. */
const TRANSITIONS_MAX = 900;

export const reportBreakers = command({
  context,
  name: 'ReportBreakers',
  summary:
    'Tell what breakers did, and what was called through them; the same report again changes nothing',
  idField: 'holder',
  data: z.strictObject({
    /** Whose breakers these are: one process. A process that starts again is another holder. */
    holder: f.externalId,
    /** 1, 2, 3, …: a report is sent until it is accepted, and the next one after it. */
    report_no: z.number().int().min(1),
    breakers: z
      .array(held)
      .max(100)
      .refine(
        (all) => all.reduce((sum, one) => sum + one.transitions.length, 0) <= TRANSITIONS_MAX,
        `must not have more than ${TRANSITIONS_MAX} transitions together`,
      ),
    /** The last report: what it holds is gone. */
    is_leaving: z.boolean().default(false),
  }),
  misfitsOf: ({ holder, breakers }, service) =>
    breakers.flatMap(({ service_name }, index) =>
      service_name === service
        ? []
        : {
            field: `breakers.${index}.service_name`,
            message: `must be ${service}, as in the subject; an id that names no service is one part there: ${quotedId(holder)}`,
          },
    ),
  answer: z.object({ holder: f.externalId, report_no: z.number().int() }),
  example: {
    holder: 'shop-1',
    report_no: 7,
    breakers: [
      {
        service_name: 'shop',
        target_service: 'billing',
        endpoint_pattern: 'POST /invoices',
        state: 'open',
        since: '2026-03-01T09:30:00.000Z',
        next_attempt_at: '2026-03-01T09:31:00.000Z',
        failure_count: 5,
        failure_threshold: 5,
        success_threshold: 3,
        timeout_duration: 60,
        transitions: [
          {
            at: '2026-03-01T09:30:00.000Z',
            from: 'closed',
            to: 'open',
            mode: 'automatic',
            until: '2026-03-01T09:31:00.000Z',
            cause: {
              kind: 'tripped',
              evidence: {
                rule: 'consecutive',
                calls: 5,
                failures: 5,
                slow: 0,
                share: 1,
                threshold: 1,
              },
            },
          },
        ],
        calls: [
          {
            from: '2026-03-01T09:29:00.000Z',
            seconds: 60,
            calls: 40,
            failures: 5,
            failures_in_a_row: 5,
          },
        ],
      },
    ],
  },
  http: { method: 'POST', path: '/circuit-breaker-reports' },
});
