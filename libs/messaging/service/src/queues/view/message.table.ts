import type { Instant } from '@downbeat/eventsourcing';
import type { FlowEvent, ProducedMessage } from '@downbeat/messaging-domain';
import { ignore, type Table } from '@downbeat/projections';
import { itemsByKey } from './items-by-key';

/** A message: one row however often it was kept. */
export interface MessageRow {
  readonly [column: string]: unknown;
  readonly key: string;
  readonly queue_name: string;
  readonly producer: string;
  readonly message_id: string;
  readonly correlation_id: string | null;
  readonly trace_id: string | null;
  readonly type: string;
  readonly priority: string;
  readonly bytes: number;
  readonly produced_at: Instant;
  /** Among those of its queue, the newest last. */
  readonly place: string;
  /** Of the last one that was kept. */
  readonly stream_created: string;
  readonly sequence: number;
  /** Where each stands, `<life of the stream>:<sequence>`: seen again, it is the same. The newest twenty. */
  readonly stands: readonly string[];
  readonly copies: number;
  readonly is_copied: 'yes' | 'no';
  readonly headers: Readonly<Record<string, string>>;
  readonly expires_at: Instant | null;
  readonly state: 'live' | 'expired' | 'settled';
}

const STANDS_MAX = 20;

export const messageTable: Table<MessageRow, FlowEvent> = {
  name: 'queue_message',
  key: 'key',
  columns: {
    key: 'text',
    queue_name: 'text',
    producer: 'text',
    message_id: 'text',
    correlation_id: 'text?',
    trace_id: 'text?',
    type: 'text',
    priority: 'text',
    bytes: 'bigint',
    produced_at: 'instant',
    place: 'text',
    stream_created: 'text',
    sequence: 'bigint',
    stands: 'json',
    copies: 'bigint',
    is_copied: 'text',
    headers: 'json',
    expires_at: 'instant?',
    state: 'text',
  },
  indexes: [
    ['queue_name', 'place'],
    ['queue_name', 'sequence'],
    ['queue_name', 'is_copied'],
    ['sequence'],
    ['state', 'expires_at'],
    ['produced_at'],
  ],
  on: {
    MessagesProduced: {
      keys: ({ data }) => [...itemsByKey(data.messages).keys()],
      fold: (before, { data }, key) =>
        (itemsByKey(data.messages).get(key) ?? []).reduce<MessageRow | undefined>(
          (row, message) => kept(row, message, data.stream_created),
          before,
        ),
    },
    MessagesSettled: ignore,
    MessagesExpired: {
      keys: ({ data }) => data.messages.map(({ key }) => key),
      fold: (row, { data }, key) => {
        const expired = itemsByKey(data.messages).get(key)?.[0];
        if (!row || expired?.sequence !== Number(row.sequence)) return row;
        return { ...row, state: expired.is_settled ? 'settled' : 'expired' };
      },
    },
    MessagesForgotten: {
      keys: ({ data }) =>
        data.messages.filter((one) => one.is_only_receipts !== true).map(({ key }) => key),
      fold: () => undefined,
    },
  },
};

function kept(row: MessageRow | undefined, message: ProducedMessage, created: string): MessageRow {
  const stand = `${created}:${message.sequence}`;
  if (!row) return newRow(message, created, stand);
  if (row.stands.includes(stand)) return row;
  return {
    ...row,
    stream_created: created,
    sequence: message.sequence,
    stands: [...row.stands, stand].slice(-STANDS_MAX),
    copies: Number(row.copies) + 1,
    is_copied: 'yes',
    expires_at: message.expires_at ?? null,
    // Sent once more, it can be had once more.
    state: 'live',
  };
}

const newRow = (message: ProducedMessage, created: string, stand: string): MessageRow => ({
  key: message.key,
  queue_name: message.queue_name,
  producer: message.producer,
  message_id: message.message_id,
  correlation_id: message.correlation_id ?? null,
  trace_id: message.trace_id ?? null,
  type: message.type,
  priority: message.priority,
  bytes: message.bytes,
  produced_at: message.published_at,
  place: `${message.published_at} ${message.key}`,
  stream_created: created,
  sequence: message.sequence,
  stands: [stand],
  copies: 1,
  is_copied: 'no',
  headers: message.headers ?? {},
  expires_at: message.expires_at ?? null,
  state: 'live',
});
