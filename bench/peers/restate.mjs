import { createServer } from 'node:http2';
import './node-20.mjs';
import * as restate from '@restatedev/restate-sdk';
import { isLarge, openTarget } from './order.mjs';

/** The order as a Restate service: a durable step per call, the decision in code, which replays the same. */
const target = openTarget(process.env.TARGET_URL);

const benchOrder = restate.service({
  name: 'bench-order',
  handlers: {
    place: async (context, { run_id, order }) => {
      const reservation = await context.run('reserve', () => target.reserve(run_id, order));
      if (isLarge(order)) return { reservation_id: reservation.id };
      const payment = await context.run('pay', () => target.pay(run_id, order));
      return { reservation_id: reservation.id, payment_id: payment.id };
    },
  },
});

const handler = restate.createEndpointHandler({ services: [benchOrder] });
const server = createServer(handler);
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () =>
  process.send?.({ type: 'listening', url: `http://127.0.0.1:${server.address().port}` }),
);
process.once('SIGTERM', () => process.exit(0));
process.once('disconnect', () => process.exit(0));
