import type { Instant, RecordedEvent } from '@downbeat/eventsourcing';
import type {
  AlertEvent,
  AlertFired,
  AlertSaid,
  AlertSeverity,
  AlertSilenced,
} from '@downbeat/observability-domain';
import type { Table } from '@downbeat/projections';

/** One rule and one subject, as it was the last time. */
export interface AlertRow {
  readonly [column: string]: unknown;
  readonly alert_id: string;
  readonly state: 'firing' | 'silenced' | 'resolved';
  readonly rule_id: string;
  readonly severity: AlertSeverity;
  readonly service_name: string | null;
  readonly said: AlertSaid;
  readonly episode: number;
  readonly fired_at: Instant | null;
  readonly fired_position: number | null;
  readonly silence_id: string | null;
  readonly resolved_at: Instant | null;
  readonly resolved_because: string | null;
  readonly acknowledged_at: Instant | null;
  readonly acknowledged_by: string | null;
  readonly acknowledged_note: string | null;
  /** Its place in a list, what changed last at the end. */
  readonly place: string;
}

const POSITION_DIGITS = 16;
export const placeOf = (position: number, id: string): string =>
  `${String(position).padStart(POSITION_DIGITS, '0')} ${id}`;

const began = (
  state: 'firing' | 'silenced',
  event: RecordedEvent<AlertFired | AlertSilenced>,
): AlertRow => {
  const { data, position } = event;
  const {
    episode,
    at,
    receivers: _,
    silence_id,
    ...said
  } = data as AlertFired['data'] & {
    readonly silence_id?: string;
  };
  const hasFired = state === 'firing';
  return {
    alert_id: said.alert_id,
    state,
    rule_id: said.rule_id,
    severity: said.severity,
    service_name: said.service_name ?? null,
    said,
    episode,
    fired_at: hasFired ? at : null,
    fired_position: hasFired ? position : null,
    silence_id: silence_id ?? null,
    resolved_at: null,
    resolved_because: null,
    acknowledged_at: null,
    acknowledged_by: null,
    acknowledged_note: null,
    place: placeOf(position, said.alert_id),
  };
};

const ofAlert = ({ data }: { readonly data: { readonly alert_id: string } }) => [data.alert_id];

export const alertTable: Table<AlertRow, AlertEvent> = {
  name: 'alert',
  key: 'alert_id',
  columns: {
    alert_id: 'text',
    state: 'text',
    rule_id: 'text',
    severity: 'text',
    service_name: 'text?',
    said: 'json',
    episode: 'bigint',
    fired_at: 'instant?',
    fired_position: 'bigint?',
    silence_id: 'text?',
    resolved_at: 'instant?',
    resolved_because: 'text?',
    acknowledged_at: 'instant?',
    acknowledged_by: 'text?',
    acknowledged_note: 'text?',
    place: 'text',
  },
  indexes: [['place'], ['state']],
  on: {
    AlertFired: { keys: ofAlert, fold: (_, event) => began('firing', event) },
    AlertSilenced: { keys: ofAlert, fold: (_, event) => began('silenced', event) },
    AlertAcknowledged: {
      keys: ofAlert,
      fold: (row, { data: { at, note }, meta, position }) =>
        row && {
          ...row,
          acknowledged_at: at,
          acknowledged_by: meta.actor,
          acknowledged_note: note ?? null,
          place: placeOf(position, row.alert_id),
        },
    },
    AlertResolved: {
      keys: ofAlert,
      fold: (row, { data: { at, reason }, position }) =>
        row && {
          ...row,
          state: 'resolved',
          resolved_at: at,
          resolved_because: reason,
          place: placeOf(position, row.alert_id),
        },
    },
  },
};
