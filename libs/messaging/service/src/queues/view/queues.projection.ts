import { countsOf, type Projection } from '@downbeat/projections';
import { delayedTable } from './delayed.table';
import { messageTable } from './message.table';
import { queueConsumerTable, queueTable } from './queue.tables';
import { receiptTable } from './receipt.table';

/** Queues, their messages, and what became of each at each service that consumes it. */
export const queues: Projection = {
  name: 'messaging.queues',
  version: 2,
  tables: [
    queueTable,
    queueConsumerTable,
    messageTable,
    countsOf('queue_message_count', messageTable, ['queue_name', 'producer', 'state']),
    receiptTable,
    countsOf('queue_receipt_count', receiptTable, ['queue_name', 'service_name', 'outcome']),
    delayedTable,
    countsOf('queue_delayed_count', delayedTable, ['queue_name']),
  ],
};
