// A subscriber in a process of its own, which a test kills. Says each message on its standard output
// when it has handled it; a message with `isDeadly` ends the process.
import { DownbeatService, topic } from '@downbeat/sdk';
import { z } from 'zod';

const work = topic('work', z.object({ number: z.number(), isDeadly: z.boolean().optional() }));
const service = new DownbeatService({
  gatewayUrl: process.env.GATEWAY_URL,
  natsUrl: process.env.NATS_URL,
  service: { service_name: 'crew', service_version: '1.0.0' },
  drainMs: 1_000,
});
service.subscribe(
  work,
  async ({ number, isDeadly }) => {
    if (isDeadly) process.kill(process.pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.stdout.write(`${number}\n`);
  },
  { deliveriesMax: 5 },
);
await service.start();
process.once('SIGTERM', () => void service.stop().then(() => process.exit(0)));
