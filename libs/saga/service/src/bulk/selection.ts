import type { sagaContract } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { ARCHIVED_RUNS } from '../projections/workflows/archive.table';
import type { WorkflowRow } from '../projections/workflows/workflows.projection';

/** What an operation is meant for, and which of those it is restricted to. */
export interface Selection {
  readonly action: sagaContract.BulkAction;
  readonly filter: sagaContract.BulkFilter;
  /** Of `migrate`. */
  readonly to_version?: string | undefined;
}

/** Refused, so that nobody means all runs by saying nothing. */
export const whyTooWide = (filter: sagaContract.BulkFilter): Rejection | undefined =>
  Object.values(filter).some((one) => one !== undefined)
    ? undefined
    : new Rejection('invalid-input', `filter ${NOTHING_NAMED}`, 'invalid', [
        { field: 'filter', message: NOTHING_NAMED },
      ]);
const NOTHING_NAMED = 'must name at least one thing to go by, such as status';

/** Runs that an action can do anything with. */
const ELIGIBLE: Readonly<Record<sagaContract.BulkAction, string>> = {
  retry: `(current_status = 'failed' or needs_attention)`,
  compensate: `current_status in ('running', 'completed', 'failed')`,
  pause: `current_status in ('running', 'compensating') and not paused`,
  resume: 'paused',
  archive: `current_status in ('completed', 'failed', 'compensated')`,
  purge: 'true',
  migrate: `current_status in ('running', 'failed', 'compensating')`,
};

const sourceOf = (action: sagaContract.BulkAction): string =>
  action === 'purge' ? ARCHIVED_RUNS : 'workflow';

/** As much of a read model's connection as is needed here. */
interface Reader {
  query<Rows>(sql: string, parameters: unknown[]): Promise<Rows>;
}

/** Their ids, oldest run first: who has waited longest is helped first. */
export async function selectedRuns(
  reader: Reader,
  { action, filter, to_version }: Selection,
  { after, limit }: { readonly after: number | null; readonly limit: number },
): Promise<readonly Pick<WorkflowRow, 'id' | 'started_position'>[]> {
  return reader.query(
    `select id, started_position from ${sourceOf(action)} where ${condition(action)}
       and ($9::bigint is null or started_position > $9)
     order by started_position limit $10`,
    [...parametersOf(filter, to_version), after, limit],
  );
}

/** How many there are. */
export async function countSelected(
  reader: Reader,
  { action, filter, to_version }: Selection,
): Promise<number> {
  const [row] = await reader.query<readonly { readonly count: number }[]>(
    `select count(*)::int as count from ${sourceOf(action)} where ${condition(action)}`,
    parametersOf(filter, to_version),
  );
  return row?.count ?? 0;
}

const condition = (action: sagaContract.BulkAction): string => `${ELIGIBLE[action]}
  and ($1::text is null or current_status = $1)
  and ($2::text is null or workflow_name = $2)
  and ($3::text is null or workflow_version = $3)
  and ($4::text is null or wedding_id = $4)
  and ($5::boolean is null or needs_attention = $5)
  and ($6::timestamptz is null or started_at >= $6)
  and ($7::timestamptz is null or started_at < $7)
  and ($8::text is null or workflow_version <> $8)`;

const parametersOf = (
  filter: sagaContract.BulkFilter,
  toVersion: string | undefined,
): unknown[] => [
  filter.status ?? null,
  filter.workflow_name ?? null,
  filter.workflow_version ?? null,
  filter.wedding_id ?? null,
  filter.needs_attention ?? null,
  filter.started_from ?? null,
  filter.started_before ?? null,
  toVersion ?? null,
];
