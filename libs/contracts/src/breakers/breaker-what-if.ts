import { z } from 'zod';
import { query } from '../contract';
import * as f from '../fields';
import { breakerId, breakerSettings, breakerState } from './breaker-fields';

const context = 'health' as const;
const counted = z.number().int();

export const whatIfBreaker = query({
  context,
  name: 'what-if-breaker',
  summary: 'What a breaker would have done with other settings, by what is recorded of its calls',
  input: z.strictObject({
    breaker_id: breakerId,
    ...breakerSettings,
    /** How far back; the record holds eight days. */
    hours: z.coerce.number().int().min(1).max(191).default(24),
  }),
  answer: z.object({
    from: f.instant,
    to: f.instant,
    /** What happened, in any process that held the breaker. */
    recorded: z.object({
      openings: counted,
      open_seconds: z.number().describe('Not closed: open, or being tried'),
      calls: counted,
      failures: counted,
      refused: counted,
    }),
    simulated: z.object({
      openings: counted,
      open_seconds: z.number().describe('Not closed: open, or being tried'),
      refused_calls: counted.describe('Recorded calls that it would have kept away'),
      refused_failures: counted.describe('Those of them that failed'),
    }),
    /** Minutes in which it would have kept calls away; the first 200. */
    refused: z.array(
      z.object({ from: f.instant, seconds: counted, calls: counted, failures: counted }),
    ),
    /** What it would have done; the first 200. */
    transitions: z.array(
      z.object({
        at: f.instant,
        from_state: breakerState,
        to_state: breakerState,
        why: z.string(),
      }),
    ),
    /** Where the two first part for longer than the record can tell. */
    first_difference: z
      .object({
        at: f.instant,
        recorded: z.enum(['closed', 'open']),
        simulated: z.enum(['closed', 'open']),
      })
      .optional(),
    /** How far this can be believed. */
    resolution: z.object({
      interval_seconds: counted.describe('Calls are recorded by so many seconds, at the coarsest'),
      calls_replayed: counted,
      is_complete: z
        .boolean()
        .describe('False: there were too many calls, and only the newest were replayed'),
      assumptions: z.array(z.string()),
    }),
  }),
  http: { method: 'POST', path: '/circuit-breakers/{breaker_id}/what-if' },
});
