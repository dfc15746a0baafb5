import { DBOS } from '@dbos-inc/dbos-sdk';
import { serveRuns } from './entry.mjs';
import { isLarge, openTarget } from './order.mjs';

/** The order as a DBOS workflow: a step per call, the decision in code, which replays the same. */
const target = openTarget(process.env.TARGET_URL);

const placeOrder = DBOS.registerWorkflow(
  async (runId, order) => {
    const reservation = await DBOS.runStep(() => target.reserve(runId, order), { name: 'reserve' });
    if (isLarge(order)) return { reservation_id: reservation.id };
    const payment = await DBOS.runStep(() => target.pay(runId, order), { name: 'pay' });
    return { reservation_id: reservation.id, payment_id: payment.id };
  },
  { name: 'place-order' },
);

DBOS.setConfig({
  name: 'bench-order',
  applicationVersion: '1.0.0',
  systemDatabaseUrl: process.env.DATABASE_URL,
  // The fastest of 10 (the default), 20 and 64, with 64 runs under way.
  systemDatabasePoolSize: 64,
  logLevel: 'error',
});
await DBOS.launch();

serveRuns(async ({ run_id, order }) => {
  const handle = await DBOS.startWorkflow(placeOrder, { workflowID: run_id })(run_id, order);
  return { result: handle.getResult() };
});
