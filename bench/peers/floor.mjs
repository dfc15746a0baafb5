import pg from 'pg';
import { serveRuns } from './entry.mjs';
import { isLarge, openTarget } from './order.mjs';

/**
 * No engine: the calls alone, or with `DATABASE_URL` a write before, between and after them, which all
 * runs under way share commits for. What is left to win for an engine that is as durable.
 */
const target = openTarget(process.env.TARGET_URL);
const write = process.env.DATABASE_URL ? await groupedWrites(process.env.DATABASE_URL) : undefined;

serveRuns(({ run_id, order }) => ({ result: placeOrder(run_id, order) }));

async function placeOrder(runId, order) {
  await write?.(runId, 0, order);
  const reservation = await target.reserve(runId, order);
  await write?.(runId, 1, reservation);
  if (isLarge(order)) return { reservation_id: reservation.id };
  const payment = await target.pay(runId, order);
  await write?.(runId, 2, payment);
  return { reservation_id: reservation.id, payment_id: payment.id };
}

/** What comes while a commit is under way goes out with the next one. */
async function groupedWrites(connectionString) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query(
    'create table if not exists write(run text, no int, data text, primary key (run, no))',
  );
  let waiting = [];
  let isFlushing = false;
  const flush = async () => {
    isFlushing = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await client.query({
          name: 'write',
          text: 'insert into write select * from unnest($1::text[], $2::int[], $3::text[])',
          values: ['run', 'no', 'data'].map((key) => batch.map((one) => one[key])),
        });
        for (const { done } of batch) done();
      } catch (fault) {
        for (const { failed } of batch) failed(fault);
      }
    }
    isFlushing = false;
  };
  return (run, no, value) =>
    new Promise((done, failed) => {
      waiting.push({ run, no, data: JSON.stringify(value), done, failed });
      if (!isFlushing) void flush();
    });
}
