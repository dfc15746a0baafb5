import type { Instant } from '@downbeat/eventsourcing';
import type { Projection, Table } from '@downbeat/projections';
import type { TargetEvent, TargetLimited } from '@downbeat/saga-domain';

/** What operators have said of a service; one that nobody spoke of has no row. */
export interface TargetRow {
  readonly [column: string]: unknown;
  readonly service_name: string;
  readonly is_paused: boolean;
  readonly paused_because: string | null;
  readonly limits: TargetLimited['data']['limits'];
  readonly changed_at: Instant;
}

const UNSAID = { is_paused: false, paused_because: null, limits: {} } as const;

const said = <Data extends { readonly service_name: string; readonly at: Instant }>(
  what: (data: Data) => Partial<TargetRow>,
) => ({
  keys: ({ data }: { readonly data: Data }) => [data.service_name],
  fold: (row: TargetRow | undefined, { data }: { readonly data: Data }): TargetRow => ({
    ...UNSAID,
    ...row,
    service_name: data.service_name,
    changed_at: data.at,
    ...what(data),
  }),
});

const target: Table<TargetRow, TargetEvent> = {
  name: 'target',
  key: 'service_name',
  columns: {
    service_name: 'text',
    is_paused: 'boolean',
    paused_because: 'text?',
    limits: 'json',
    changed_at: 'instant',
  },
  indexes: [],
  on: {
    TargetLimited: said(({ limits }) => ({ limits })),
    TargetPaused: said(({ reason }) => ({ is_paused: true, paused_because: reason })),
    TargetResumed: said(() => ({ is_paused: false, paused_because: null })),
  },
};

/** What operators allow the targets of calls. */
export const targets: Projection = { name: 'saga.targets', version: 1, tables: [target] };
