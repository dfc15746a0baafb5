// A service in a process of its own that does what it is told, stops, says so, and leaves the ending to Node.
import { DownbeatService, operation, topic } from '@downbeat/sdk';
import { z } from 'zod';

const { GATEWAY_URL, NATS_URL, SCENARIO } = process.env;
const greet = operation('greet', {
  input: z.object({ name: z.string() }),
  output: z.object({ text: z.string() }),
});
const greeted = topic('greeted', z.object({ name: z.string() }));
let tellHeard;
const heard = new Promise((resolve) => (tellHeard = resolve));

const hang = operation('hang', { input: z.object({}), output: z.object({}) });

const service = new DownbeatService({
  gatewayUrl: GATEWAY_URL,
  natsUrl: NATS_URL,
  service: { service_name: 'leaver', service_version: '1.0.0', capabilities: ['greeting'] },
  drainMs: 300,
  policyOf: () => ({ timeoutMs: 600_000 }),
  onEvent: (event) => process.stderr.write(`${JSON.stringify(event)}\n`),
});
service.handle(greet, async ({ name }) => ({ text: `hello ${name}` }));

const scenarios = {
  'never started': async () => undefined,
  'stopped in the moment of its start': async () => void service.start(),
  'that nobody heard': async () => {
    service.subscribe(greeted, tellHeard);
    await service.start();
    await service.call('leaver', greet, { name: 'a' }).catch(() => undefined);
  },
  'that worked': async () => {
    const settings = service.configuration(z.object({ pool: z.number() }), {
      otherwise: { pool: 1 },
      waitMs: 100,
    });
    service.subscribe(greeted, tellHeard);
    await service.start();
    await service.registered;
    await settings.known();
    await until(() => service.directory.serviceOf('leaver')?.targets.length === 1);
    for (const name of ['a', 'b', 'c']) await service.call('leaver', greet, { name });
    await service.callByCapability({ name: 'greeting' }, greet, { name: 'd' });
    await service.publish(greeted, { name: 'a' });
    await heard;
  },
  'that called another one': async () => {
    await service.start();
    await until(() => service.directory.serviceOf('neighbour'));
    for (const name of ['a', 'b', 'c']) await service.call('neighbour', greet, { name });
  },
  'whose call goes on': async () => {
    await service.start();
    await until(() => service.directory.serviceOf('neighbour'));
    service.call('neighbour', hang, {}, { timeoutMs: 600_000 }).catch(({ outcome }) => {
      process.stdout.write(`${outcome}\n`);
    });
    await until(() => service.proxy.view().some(({ underWay }) => underWay > 0));
  },
};

async function until(isSo) {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
}

await scenarios[SCENARIO]();
await service.stop();
process.stdout.write('stopped\n');
