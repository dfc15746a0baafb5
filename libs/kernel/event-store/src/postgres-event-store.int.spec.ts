import { describeEventStore } from './testing/event-store-behaviour';
import { LogDatabase } from './testing/log-database';

describeEventStore('on Postgres', async () => {
  const database = await LogDatabase.create('store');
  return {
    store: (context) => database.store(context),
    leases: (context) => database.leases(context),
    stop: () => database.drop(),
  };
});
