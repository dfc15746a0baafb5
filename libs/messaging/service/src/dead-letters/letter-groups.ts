import type { AnswerOf, InputOf, messagingContract } from '@downbeat/contracts';
import type { Instant } from '@downbeat/eventsourcing';
import { filterValues, LETTER_FILTER, type LetterSource } from './letter-source';

type Input = InputOf<typeof messagingContract.listDeadLetters>;
type Answer = AnswerOf<typeof messagingContract.listDeadLetters>;

const GROUPS_MAX = 100;
const HOURS = 24;
const HOUR_MS = 3_600_000;

/** Asks the database the letters stand in. */
export type Ask = <Row>(text: string, values: readonly unknown[]) => Promise<readonly Row[]>;

interface GroupRow {
  readonly cause: string;
  readonly consumer: string;
  readonly reason: string;
  readonly sample_id: string;
  readonly count: number;
  readonly first_at: Date;
  readonly last_at: Date;
}

interface HourRow {
  readonly cause: string;
  readonly consumer: string;
  readonly hours_ago: number;
  readonly count: number;
}

/** Letters with the same cause, the largest groups first. */
export async function groupsOf(
  ask: Ask,
  source: LetterSource,
  input: Input,
  now: number,
): Promise<Answer['groups']> {
  const values = filterValues(input);
  const groups = await ask<GroupRow>(
    `select g.*, newest.reason, newest.id::text as sample_id
       from (select d.cause, d.consumer, count(*)::int as count,
                    min(d.quarantined_at) as first_at, max(d.quarantined_at) as last_at
               from ${source.table} d where ${LETTER_FILTER}
              group by d.cause, d.consumer order by count(*) desc, d.cause limit ${GROUPS_MAX}) g
      cross join lateral (
        select n.reason, n.id from ${source.table} n
         where n.quarantined_at = g.last_at and n.cause = g.cause and n.consumer = g.consumer
         order by n.id limit 1) newest
      order by g.count desc, g.cause`,
    values,
  );
  const hours = await ask<HourRow>(
    `select d.cause, d.consumer, count(*)::int as count,
            floor(extract(epoch from ($11::timestamptz - d.quarantined_at)) / 3600)::int as hours_ago
       from ${source.table} d
      where ${LETTER_FILTER} and d.quarantined_at > $12::timestamptz and d.quarantined_at <= $11::timestamptz
      group by d.cause, d.consumer, hours_ago`,
    [...values, new Date(now).toISOString(), new Date(now - HOURS * HOUR_MS).toISOString()],
  );
  return groups.map(({ first_at, last_at, ...group }) => ({
    ...group,
    first_at: new Date(first_at).toISOString() as Instant,
    last_at: new Date(last_at).toISOString() as Instant,
    per_hour: perHour(
      hours.filter(({ cause, consumer }) => cause === group.cause && consumer === group.consumer),
    ),
  }));
}

function perHour(rows: readonly HourRow[]): number[] {
  const counts = new Array<number>(HOURS).fill(0);
  for (const { hours_ago, count } of rows)
    counts[HOURS - 1 - Math.min(hours_ago, HOURS - 1)] = count;
  return counts;
}

/** How many there are of each status, whatever status is asked for. */
export async function countsOf(
  ask: Ask,
  source: LetterSource,
  input: Input,
): Promise<Answer['by_status']> {
  const rows = await ask<{ status: keyof Answer['by_status']; count: number }>(
    `select d.status, count(*)::int as count from ${source.table} d where ${LETTER_FILTER}
      group by d.status`,
    filterValues({ ...input, status: undefined }),
  );
  const none = { quarantined: 0, redriving: 0, redriven: 0, discarded: 0 };
  return { ...none, ...Object.fromEntries(rows.map(({ status, count }) => [status, count])) };
}
