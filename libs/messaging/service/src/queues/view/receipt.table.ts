import type { Instant } from '@downbeat/eventsourcing';
import type { FlowEvent, SettledMessage, SettledOutcome } from '@downbeat/messaging-domain';
import { ignore, type Table } from '@downbeat/projections';
import { itemsByKey } from './items-by-key';

/** What became of a message at one service: one row however often it was told. */
export interface ReceiptRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly key: string;
  readonly queue_name: string;
  readonly service_name: string;
  readonly by_service: string | null;
  readonly outcome: SettledOutcome;
  readonly deliveries: number;
  readonly is_redelivered: 'yes' | 'no';
  readonly processing_ms: number | null;
  readonly error: string | null;
  readonly dead_letter_id: string | null;
  /** Of the one that was given up on: that it is acknowledged then does not make it consumed. */
  readonly given_up_sequence: number | null;
  readonly settled_at: Instant;
}

export const receiptId = (key: string, service: string): string => `${key}/${service}`;

const inMessages = (messages: readonly SettledMessage[]) =>
  new Set(messages.map(({ key, service_name }) => receiptId(key, service_name)));

export const receiptTable: Table<ReceiptRow, FlowEvent> = {
  name: 'queue_receipt',
  key: 'id',
  columns: {
    id: 'text',
    key: 'text',
    queue_name: 'text',
    service_name: 'text',
    by_service: 'text?',
    outcome: 'text',
    deliveries: 'bigint',
    is_redelivered: 'text',
    processing_ms: 'double?',
    error: 'text?',
    dead_letter_id: 'text?',
    given_up_sequence: 'bigint?',
    settled_at: 'instant',
  },
  indexes: [
    ['key'],
    ['settled_at'],
    ['queue_name', 'settled_at'],
    ['queue_name', 'is_redelivered'],
  ],
  on: {
    MessagesProduced: ignore,
    MessagesSettled: {
      keys: ({ data }) => [...inMessages(data.messages)],
      fold: (before, { data }, id) => {
        // A key may hold slashes; the name of a service has none.
        const at = id.lastIndexOf('/');
        const [key, service] = [id.slice(0, at), id.slice(at + 1)];
        return (itemsByKey(data.messages).get(key) ?? [])
          .filter(({ service_name }) => service_name === service)
          .reduce<ReceiptRow | undefined>(settled, before);
      },
    },
    MessagesExpired: ignore,
    MessagesForgotten: {
      keys: ({ data }) =>
        data.messages.flatMap(({ key, services }) => services.map((one) => receiptId(key, one))),
      fold: () => undefined,
    },
  },
};

function settled(row: ReceiptRow | undefined, told: SettledMessage): ReceiptRow {
  if (row && !changes(row, told)) return row;
  const deliveries = Math.max(Number(row?.deliveries ?? 0), told.deliveries);
  return {
    id: receiptId(told.key, told.service_name),
    key: told.key,
    queue_name: told.queue_name,
    service_name: told.service_name,
    by_service: told.by ?? row?.by_service ?? null,
    outcome: told.outcome,
    deliveries,
    is_redelivered: deliveries > 1 ? 'yes' : 'no',
    processing_ms: told.processing_ms ?? null,
    error: told.error ?? row?.error ?? null,
    dead_letter_id: told.dead_letter_id ?? row?.dead_letter_id ?? null,
    given_up_sequence: told.outcome === 'consumed' ? null : told.sequence,
    settled_at: told.at,
  };
}

/** What was consumed stays so; what was given up on is consumed only when it was sent again. */
function changes(row: ReceiptRow, told: SettledMessage): boolean {
  if (row.outcome === 'consumed') return false;
  if (told.outcome !== 'consumed') return told.sequence !== Number(row.given_up_sequence);
  return told.is_redriven === true && told.sequence !== Number(row.given_up_sequence);
}
