import { epochMs, instantOf, type Instant } from '@downbeat/eventsourcing';
import type { DueRule, RetentionAct } from '@downbeat/saga-domain';

/** A run whose time has come; in this order: who ended first is first. */
export interface DueRun {
  readonly id: string;
  readonly completed_at: Instant;
}

/** What is looked for: runs that any of the rules names, as of a moment. */
export interface Due {
  readonly act: RetentionAct;
  readonly rules: readonly DueRule[];
  readonly now: Instant;
}

/** As much of a read model's connection as is needed here. */
interface Reader {
  query<Rows>(sql: string, parameters?: unknown[]): Promise<Rows>;
}

const SOURCE: Readonly<Record<RetentionAct, string>> = {
  archive: 'workflow',
  purge: 'workflow_archive',
};

const RULES = `json_to_recordset($1::json) as r(workflow_name text, status text, before timestamptz)`;
/** Each rule looks at its own workflow and status only, by index. */
const IS_DUE = `w.workflow_name = r.workflow_name and w.current_status = r.status
  and w.completed_at <= r.before`;
const DAY_MS = 86_400_000;

/** @param after The last one of the batch before. */
export async function dueRuns(
  reader: Reader,
  { act, rules, now }: Due,
  { after, limit }: { readonly after?: DueRun | undefined; readonly limit: number },
): Promise<readonly DueRun[]> {
  return reader.query(
    `select due.id, due.completed_at from ${RULES}
     cross join lateral (
       select w.id, w.completed_at from ${SOURCE[act]} w
       where ${IS_DUE} and ($2::timestamptz is null or (w.completed_at, w.id) > ($2, $3))
       order by w.completed_at, w.id limit $4
     ) due
     order by due.completed_at, due.id limit $4`,
    [rulesJson(rules, now), after?.completed_at ?? null, after?.id ?? null, limit],
  );
}

/** How many there are. */
export async function countDue(reader: Reader, { act, rules, now }: Due): Promise<number> {
  const [row] = await reader.query<readonly { readonly count: number }[]>(
    `select count(*)::int as count from ${RULES} join ${SOURCE[act]} w on ${IS_DUE}`,
    [rulesJson(rules, now)],
  );
  return row?.count ?? 0;
}

/** Every workflow there is a definition of; no run is of another. */
export async function workflowNames(reader: Reader): Promise<readonly string[]> {
  const rows = await reader.query<readonly { readonly name: string }[]>(
    'select distinct name from workflow_definition',
  );
  return rows.map(({ name }) => name);
}

const rulesJson = (rules: readonly DueRule[], now: Instant): string =>
  JSON.stringify(
    rules.map(({ workflow_name, status, afterDays }) => ({
      workflow_name,
      status,
      before: instantOf(epochMs(now) - afterDays * DAY_MS),
    })),
  );
