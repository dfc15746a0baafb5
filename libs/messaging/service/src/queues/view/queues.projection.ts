import type { Projection } from '@downbeat/projections';
import { delayedCounts, delayedTable } from './delayed.table';
import { messageCounts, messageTable } from './message.table';
import { queueConsumerTable, queueTable } from './queue.tables';
import { receiptCounts, receiptTable } from './receipt.table';

/** Queues, their messages, and what became of each at each service that consumes it. */
export const queues: Projection = {
  name: 'messaging.queues',
  version: 1,
  tables: [
    queueTable,
    queueConsumerTable,
    messageTable,
    messageCounts,
    receiptTable,
    receiptCounts,
    delayedTable,
    delayedCounts,
  ],
};
