import type { Json, Rejection } from '@downbeat/eventsourcing';
import type { QueryOutcome } from '@downbeat/message-bus';
import { z } from 'zod';
import { differenceOf } from './difference';
import { backwards } from './moments';

export const DIFFERENCE_TYPE = 'application/vnd.downbeat.difference+json';

/** What a query answers to `at=<moment>..<moment>`. */
export const differenceAnswer = z
  .object({
    from_position: z.number().int(),
    to_position: z.number().int(),
    is_equal: z.boolean(),
    is_cut: z.boolean().describe('There are more differences than are shown'),
    is_page: z
      .boolean()
      .describe(
        'A list goes on behind what was compared: first items of both moments are compared',
      ),
    changes: z.array(
      z.object({
        kind: z.enum(['added', 'removed', 'changed']),
        path: z
          .string()
          .describe(
            'JSON pointer into the later answer; of what was removed, into the earlier one',
          ),
        item: z
          .record(z.string(), z.json())
          .optional()
          .describe('The list item that it is in, by what tells it from the others'),
        before: z.json().optional(),
        after: z.json().optional(),
      }),
    ),
  })
  .meta({ id: 'Difference' });
type DifferenceAnswer = z.output<typeof differenceAnswer>;

type Compared =
  | { readonly ok: true; readonly position: number; readonly data: DifferenceAnswer }
  | Exclude<QueryOutcome, { readonly ok: true }>;

/** What was not there at one of the moments was added or removed; at neither, there is no such thing. */
export function compared(before: QueryOutcome, after: QueryOutcome): Compared | Rejection {
  if (!after.ok && (!isAbsent(after) || !before.ok)) return after;
  if (!before.ok && !isAbsent(before)) return before;
  const from_position = before.ok ? before.position : 0;
  const to_position = after.ok ? after.position : from_position;
  if (from_position > to_position) return backwards();
  const { changes, isCut } = differenceOf(dataOf(before), dataOf(after));
  const data = {
    from_position,
    to_position,
    is_equal: changes.length === 0,
    is_cut: isCut,
    is_page: goesOn(before) || goesOn(after),
    changes: changes as DifferenceAnswer['changes'],
  };
  return { ok: true, position: to_position, data };
}

const isAbsent = (outcome: QueryOutcome): boolean =>
  !outcome.ok && (outcome.problem.kind === 'not-found' || outcome.problem.kind === 'gone');

/** Where the next page begins is no difference of what is listed. */
function dataOf(outcome: QueryOutcome): Json | undefined {
  if (!outcome.ok) return undefined;
  if (!isObject(outcome.data)) return outcome.data as Json;
  const { next_cursor: _, ...listed } = outcome.data;
  return listed as Json;
}

const goesOn = (outcome: QueryOutcome): boolean =>
  outcome.ok && isObject(outcome.data) && typeof outcome.data['next_cursor'] === 'string';

const isObject = (data: unknown): data is Readonly<Record<string, unknown>> =>
  data !== null && typeof data === 'object' && !Array.isArray(data);
