import { MemoryEventStore } from './memory-event-store';
import { MemoryLeases } from './memory-leases';
import { MemoryLog } from './memory-log';
import { describeEventStore } from '../testing/event-store-behaviour';

describeEventStore('in memory', async () => {
  const log = new MemoryLog();
  return {
    store: (context) => new MemoryEventStore(log, context),
    leases: (context) => new MemoryLeases(log, context),
    stop: async () => undefined,
  };
});
