import type { JsonObject } from '@downbeat/eventsourcing';
import { z } from 'zod';
import { query } from '../contract';
import * as f from '../fields';
import { workflowDefinition } from '../saga/workflow-definition';

const context = 'audit' as const;

export const storedEvent = z.object({
  position: z.number().int(),
  event_id: z.string(),
  context: z.string(),
  stream: z.string(),
  version: z.number().int(),
  type: z.string(),
  schema_version: z.number().int(),
  data: f.json,
  meta: z.object({
    correlation_id: z.string(),
    causation_id: z.string(),
    actor: z.string(),
    traceparent: z.string().optional(),
  }),
  recorded_at: f.instant,
  commit_no: z.number().int(),
});

const position = z.coerce.number().int().min(0);

export const listEvents = query({
  context,
  name: 'list-events',
  summary: 'The events of the log in their order',
  input: z.strictObject({
    stream: f.line(200).optional(),
    type: f.line(128).optional(),
    correlation_id: f.line(200).optional(),
    trace_id: z
      .string()
      .regex(/^[0-9a-f]{32}$/, 'must be 32 hexadecimal digits')
      .optional(),
    since: f.instant.optional(),
    until: f.instant.optional(),
    after_position: position.optional(),
    until_position: position.optional(),
    order: z.enum(['asc', 'desc']).default('asc'),
    limit: z.coerce.number().int().min(1).max(1_000).default(100),
    cursor: f.cursor,
  }),
  answer: z.object({ events: z.array(storedEvent), next_cursor: f.nextCursor }),
  http: { method: 'GET', path: '/events' },
});

export const replay = query({
  context,
  name: 'replay',
  summary:
    'The state of streams at a position, and each decision made again and compared with what was recorded',
  input: z
    .strictObject({
      stream: f.line(200).optional(),
      correlation_id: f.line(200).optional(),
      until_position: position.optional(),
    })
    .refine((input) => (input.stream === undefined) !== (input.correlation_id === undefined), {
      path: ['stream'],
      message: 'or correlation_id must be given, and only one of them',
    }),
  answer: z.object({
    streams: z.array(
      z.object({
        stream: z.string(),
        context: z.string(),
        version: z.number().int(),
        position: z.number().int(),
        /** The folded state; absent when no replayer is known for such a stream. */
        state: f.json.optional(),
        decisions_compared: z.number().int(),
        first_difference: z
          .object({ position: z.number().int(), recorded: f.json, derived: f.json })
          .optional(),
      }),
    ),
  }),
  http: { method: 'POST', path: '/audit/replay' },
});

/** A head of the hash chain, published outside the database on `evidence.audit.ChainHead.<log>`. */
export const chainHead = z.object({
  /** Name of the log. */
  log: z.string(),
  commit_no: z.number().int().min(1),
  /** Of the last event of this commit. */
  position: z.number().int().min(1),
  /** sha256 over this commit and the hash before it: it vouches for the whole log up to here. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** When the commit was made. */
  recorded_at: f.instant,
});

export const chainHeadSubject = (log: string): string => `evidence.audit.ChainHead.${log}`;

/**
 * What the heads that are still held outside the database say of the chain. `none_held`: nothing
 * outside speaks for the log or against it. `not_read`: they may be held, and are out of reach.
 */
const publishedHeads = z.object({
  outcome: z.enum(['agree', 'differ', 'none_held', 'not_read']),
  heads_held: z.number().int(),
  heads_checked: z.number().int(),
  /** The log up to this commit is vouched for, or contradicted, from outside. */
  newest_commit: z.number().int().optional(),
  oldest_commit: z.number().int().optional(),
  /** Of all heads that the log contradicts, the one with the lowest commit. */
  first_difference: z
    .object({
      ...chainHead.omit({ log: true, hash: true }).shape,
      published_hash: chainHead.shape.hash,
      /** Absent: the log has no such commit any more. */
      stored_hash: chainHead.shape.hash.optional(),
    })
    .optional(),
  /** The outcome in one sentence. */
  detail: z.string(),
});

const readModelReport = z.object({
  name: z.string(),
  is_equal: z.boolean(),
  position: z.number().int(),
  tables: z.array(
    z.object({
      table: z.string(),
      rows: z.number().int(),
      live_hash: z.string(),
      rebuilt_hash: z.string(),
    }),
  ),
  moments: z
    .array(z.object({ position: z.number().int(), is_equal: z.boolean() }))
    .optional()
    .describe('Some past moments that are kept, chosen by chance, beside the rebuild up to there'),
});

export const verify = query({
  context,
  name: 'verify',
  summary:
    'Rebuild a read model beside the live one and compare; check the hash chain of the log, and its heads kept outside the database',
  presentOnly: 'it compares the tables that there are now',
  input: z.strictObject({
    read_model: f
      .line(128)
      .optional()
      .describe(
        '`registry.services`; `all` for every one there is; absent: only the hash chain is checked',
      ),
    from_commit: z.coerce.number().int().min(1).optional(),
  }),
  answer: z.object({
    hash_chain: z.object({
      is_intact: z.boolean(),
      commits: z.number().int(),
      events: z.number().int(),
      head: z.string(),
      first_broken_commit: z.number().int().optional(),
      detail: z.string().optional(),
    }),
    published_heads: publishedHeads,
    read_model: readModelReport.optional(),
    read_models: z.array(readModelReport).optional().describe('Of `all`'),
  }),
  http: { method: 'POST', path: '/audit/verify' },
});

/** Past runs one question may concern. */
export const WHAT_IF_RUNS_MAX = 100;

export const whatIf = query({
  context,
  name: 'what-if',
  summary:
    'What past runs would have done with another definition: the first decision of each that differs',
  presentOnly: 'it follows runs to their last event',
  input: z.strictObject({
    /** Need not be registered. */
    definition: workflowDefinition as unknown as z.ZodType<
      JsonObject & z.output<typeof workflowDefinition>
    >,
    workflow_ids: z.array(z.uuid()).min(1).max(WHAT_IF_RUNS_MAX),
  }),
  answer: z.object({
    runs: z.array(
      z.object({
        workflow_id: z.uuid(),
        outcome: z.enum(['same', 'differs', 'unknown']),
        decisions_compared: z.number().int(),
        first_difference: z
          .object({ position: z.number().int(), recorded: f.json, derived: f.json })
          .optional(),
      }),
    ),
  }),
  http: { method: 'POST', path: '/audit/what-if' },
});

export const audit = {
  commands: [],
  queries: [listEvents, replay, verify, whatIf],
  events: [],
} as const;
