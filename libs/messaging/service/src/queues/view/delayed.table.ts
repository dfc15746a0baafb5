import type { Instant } from '@downbeat/eventsourcing';
import type { DelayedEvent } from '@downbeat/messaging-domain';
import { type Table } from '@downbeat/projections';

/** A message that waits for its time. */
export interface DelayedRow {
  readonly [column: string]: unknown;
  readonly delayed_id: string;
  readonly message_id: string;
  readonly queue_name: string;
  readonly from_service: string;
  readonly message_type: string;
  readonly due_at: Instant;
  readonly delayed_at: Instant;
  /** The next one first. */
  readonly place: string;
}

const keys = ({ data }: { readonly data: { readonly delayed_id: string } }) => [data.delayed_id];

export const delayedTable: Table<DelayedRow, DelayedEvent> = {
  name: 'queue_delayed',
  key: 'delayed_id',
  columns: {
    delayed_id: 'text',
    message_id: 'text',
    queue_name: 'text',
    from_service: 'text',
    message_type: 'text',
    due_at: 'instant',
    delayed_at: 'instant',
    place: 'text',
  },
  indexes: [['place'], ['queue_name', 'place']],
  on: {
    MessageDelayed: {
      keys,
      fold: (_, { data: { from, at, ...facts } }) => ({
        ...facts,
        from_service: from,
        delayed_at: at,
        place: `${facts.due_at} ${facts.delayed_id}`,
      }),
    },
    DelayedMessageCancelled: { keys, fold: () => undefined },
    DelayedMessageReleased: { keys, fold: () => undefined },
  },
};
