import { messagingContract, type InputOf } from '@downbeat/contracts';
import type { StreamFigures } from '@downbeat/message-bus';
import { cursorOf, pageOf } from '@downbeat/service-host';
import type { ListedQueues } from './queue-list';

const HOUR_MS = 3_600_000;

/** The suite's own streams as an operator of queues looks at them. */
export function suiteStreams(
  figures: readonly StreamFigures[],
  input: InputOf<typeof messagingContract.listQueues>,
): ListedQueues {
  const after = cursorOf(input.cursor);
  const isWanted = ({ name }: StreamFigures): boolean =>
    input.queue_name === undefined || name === input.queue_name;
  const all = figures.filter(isWanted).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const rest = all.filter(({ name }) => after === null || name > after);
  const page = pageOf(rest, input.limit, ({ name }) => name);
  return {
    queues: page.rows.map(shown),
    queue_stats: {
      total_queues: all.length,
      total_messages_processed_1h: 0,
      avg_processing_time_ms: 0,
      failed_message_rate: 0,
    },
    next_cursor: page.nextCursor,
  };
}

const shown = ({ name, messages, ageMaxMs, consumers }: StreamFigures) => ({
  ...{ id: name, queue_name: name, queue_type: 'stream' as const, kind: 'suite' as const },
  message_count: messages,
  ...{ delayed_count: 0, consumer_count: consumers, consumers: [] },
  ...{ producer_count: 0, producers: [], produced_count: 0, consumed_count: 0 },
  ...{ duplicate_count: 0, redelivery_count: 0, expired_count: 0, failed_count: 0 },
  ...{ dlq_message_count: 0, messages_per_minute: 0, avg_processing_time_ms: 0 },
  // 0: not bounded by time.
  retention_hours: ageMaxMs / HOUR_MS,
  max_message_size: messagingContract.MESSAGE_BYTES_MAX,
  ...{ dlq_enabled: true, monitoring_config: {}, is_active: consumers > 0, is_declared: true },
});
