import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CallFailed, DownbeatService, operation } from '@downbeat/sdk';
import { eventually, quickOnce } from '@downbeat/test-bench';
import { z } from 'zod';
import { eventsOf } from './support/bookings';
import { Suite } from './support/suite';

const WORKSPACE = join(__dirname, '..');
const LINES_MAX = 15;
const CHECK = { interval_ms: 250, timeout_ms: 250, failure_threshold: 3 };

const quote = operation('quote', {
  input: z.object({ sku: z.string() }),
  output: z.object({ price: z.number() }),
});

/** The service that the README of the SDK shows. */
const printedService = (): string => {
  const readme = readFileSync(join(WORKSPACE, 'libs', 'sdk', 'README.md'), 'utf8');
  const [, code] = /<!-- begin pricing -->\s+```js\n([^]*?)```/.exec(readme) ?? [];
  if (code === undefined) throw new Error('the README shows no service');
  return code;
};

describe('services that join with the SDK', () => {
  let suite: Suite;
  let shop: DownbeatService;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    suite = await Suite.start({ demo: false });
    shop = new DownbeatService({
      gatewayUrl: suite.gatewayUrl,
      natsUrl: suite.natsUrl,
      service: { service_name: 'shop', service_version: '1.0.0' },
      heartbeatMs: 500,
    });
    await shop.start();
    await shop.registered;
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await shop?.stop();
    await suite?.stop();
  });

  const startPricing = (): ChildProcess => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', printedService()], {
      cwd: WORKSPACE,
      env: { PATH: process.env['PATH'], GATEWAY_URL: suite.gatewayUrl, NATS_URL: suite.natsUrl },
      stdio: 'inherit',
    });
    children.push(child);
    return child;
  };
  const known = (service: string) => shop.directory.serviceOf(service)?.targets ?? [];
  const offered = (service: string, count: number) =>
    eventually(
      () => known(service),
      (targets) => expect(targets).toHaveLength(count),
    );
  const storyOf = async (instance: string) =>
    (await eventsOf(suite, 'order=asc')).filter(({ stream }) => stream === `instance-${instance}`);
  const register = async (service_name: string, more: object = {}): Promise<void> => {
    const service = {
      service_name,
      service_version: '1.0.0',
      service_type: 'api',
      deployment_environment: 'development',
      dependencies: [],
    };
    expect((await suite.request('POST', '/services', { ...service, ...more })).status).toBe(202);
  };
  const instanceOf = (service: string, port: number) => ({
    instance_id: `${service}-1`,
    node_name: 'here',
    ip_address: '127.0.0.1',
    port,
    version: '1.0.0',
    heartbeat_ttl_ms: 600_000,
  });
  const failureOf = async (call: Promise<unknown>): Promise<CallFailed> => {
    const fault = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(fault instanceof CallFailed)) throw new Error(`it did not fail: ${String(fault)}`);
    return fault;
  };
  const called = () => shop.call('pricing', quote, { sku: '4711' }, { timeoutMs: 30_000 });

  it('are joined by fifteen lines, and can be called by name, capability, HTTP and workflows', async () => {
    const lines = printedService()
      .split('\n')
      .filter((line) => line.trim() !== '');
    expect(lines.length).toBeLessThanOrEqual(LINES_MAX);
    startPricing();
    await offered('pricing', 1);
    expect(await called()).toEqual({ price: 40 });
    const [target] = known('pricing');
    const response = await fetch(`${target?.url}/operations/quote`, {
      method: 'POST',
      body: '{"sku":"4711"}',
    });
    expect([response.status, await response.json()]).toEqual([200, { price: 40 }]);
    const definition = {
      name: 'ask-price',
      version: '1.0.0',
      steps: [
        {
          name: 'ask',
          type: 'service_call',
          service_name: 'pricing',
          endpoint: 'nats:service.pricing.quote',
          input_mapping: { sku: 'sku' },
          output_mapping: { price: 'price' },
        },
      ],
    };
    expect((await suite.request('POST', '/workflow-definitions', definition)).status).toBe(202);
    const run = await suite.request('POST', '/workflows?wait=20s', {
      workflow_name: 'ask-price',
      initiating_service: 'shop',
      context_data: { sku: 'four' },
    });
    expect(run).toMatchObject({
      status: 200,
      body: { workflow: { current_status: 'completed', context_data: { price: 40 } } },
    });
  });

  it('are told what is wrong with what they ask', async () => {
    const loose = operation('quote', { input: z.any(), output: z.any() });
    const wrong = await failureOf(shop.call('pricing', loose, { sku: 7 }));
    expect(wrong).toMatchObject({ outcome: 'refused', status: 400 });
    expect(wrong.message).toContain('sku');
    const own = await failureOf(shop.call('pricing', quote, { sku: 7 } as never));
    expect(own).toMatchObject({ outcome: 'not-sent', status: undefined });
    const nobody = await failureOf(shop.call('nobody', quote, { sku: '4711' }));
    expect(nobody).toMatchObject({ outcome: 'not-sent' });
    const able = shop.callByCapability({ name: 'divination' }, quote, { sku: '4711' });
    expect(await failureOf(able)).toMatchObject({ outcome: 'not-sent' });
  });

  it('are out of every snapshot at once when they are killed', async () => {
    const [child] = children;
    const exited = once(child as ChildProcess, 'exit');
    child?.kill('SIGKILL');
    await exited;
    await offered('pricing', 0);
    expect(await failureOf(called())).toMatchObject({ outcome: 'not-sent' });
    // And not because a heartbeat or a check was missed.
    await eventually(
      () => suite.get<{ instances: unknown[] }>('/services/pricing/instances'),
      ({ instances }) =>
        expect(instances).toMatchObject([
          { status: 'terminating', status_reason: 'session-closed' },
        ]),
    );
  });

  it('get no call a second after their checks have failed often enough, when they have no connection', async () => {
    const program = `require('node:http').createServer((_, r) => r.end('{"price":1}'))
      .listen(0, '127.0.0.1', function () { process.send(this.address().port); })`;
    const withinMs = CHECK.failure_threshold * CHECK.interval_ms + 1_000;
    await quickOnce(withinMs, async (number) => {
      const name = `dies-${number}`;
      const child = spawn(process.execPath, ['-e', program], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      children.push(child);
      const [port] = (await once(child, 'message')) as [number];
      await register(name, { health_check: { ...CHECK, success_threshold: 1 } });
      const path = `/services/${name}/instances`;
      expect((await suite.request('POST', path, instanceOf(name, port))).status).toBe(202);
      await offered(name, 1);
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      const killedAt = performance.now();
      await offered(name, 0);
      const goneAfterMs = performance.now() - killedAt;
      expect(await failureOf(shop.call(name, quote, { sku: '4711' }))).toMatchObject({
        outcome: 'not-sent',
      });
      return goneAfterMs;
    });
  });

  it('lose no call when one of two says goodbye', async () => {
    const [, leaving] = [startPricing(), startPricing()];
    await offered('pricing', 2);
    let isOver = false;
    const answers: unknown[] = [];
    const calling = (async () => {
      while (!isOver) answers.push(await called());
    })();
    const more = async (count: number): Promise<unknown> => {
      const wanted = answers.length + count;
      return eventually(
        () => answers.length,
        (many) => expect(many).toBeGreaterThanOrEqual(wanted),
        30_000,
      );
    };
    await more(20);
    const exited = once(leaving, 'exit');
    leaving.kill('SIGTERM');
    await exited;
    await more(20);
    isOver = true;
    await calling;
    expect(answers.every((answer) => JSON.stringify(answer) === '{"price":40}')).toBe(true);
    await offered('pricing', 1);
  });

  it('work on while the registry is away, and through a restart of NATS', async () => {
    await suite.app('registry').stop('SIGKILL');
    expect(await called()).toEqual({ price: 40 });
    expect(known('pricing')).toHaveLength(1);
    await suite.crashNats();
    await eventually(
      () => called(),
      (answer) => expect(answer).toEqual({ price: 40 }),
      30_000,
    );
    await suite.app('registry').start();
    // On another connection than before, which is told: the instance was never given up.
    const [{ instance_id: own } = { instance_id: '' }] = known('pricing');
    const late = new DownbeatService({
      gatewayUrl: suite.gatewayUrl,
      natsUrl: suite.natsUrl,
      service: { service_name: 'late', service_version: '1.0.0' },
    });
    await late.start();
    await late.registered;
    await offered('late', 1);
    expect(known('pricing')).toHaveLength(1);
    await late.stop();
    await offered('late', 0);
    const running = children.at(-2);
    const exited = once(running as ChildProcess, 'exit');
    // Its new connection stands for it now, as the old one did.
    await eventually(
      () => storyOf(own),
      (events) => {
        const types = events.map(({ type }) => type);
        expect(types).toContain('InstanceSessionMoved');
        expect(types).not.toContain('InstanceTerminating');
      },
      30_000,
    );
    running?.kill('SIGKILL');
    await exited;
    await offered('pricing', 0);
    expect(await storyOf(own)).toContainEqual(
      expect.objectContaining({
        type: 'InstanceTerminating',
        data: expect.objectContaining({ reason: 'session-closed' }),
      }),
    );
  });

  it('take no call before they say that they are ready, when they said before their start that they are not', async () => {
    const warming = new DownbeatService({
      gatewayUrl: suite.gatewayUrl,
      natsUrl: suite.natsUrl,
      service: { service_name: 'warming', service_version: '1.0.0' },
    });
    expect(await warming.announce('initializing', 'warms its cache')).toBe(false);
    await warming.start();
    await warming.registered;
    await eventually(
      () => suite.get<{ instances: unknown[] }>('/services/warming/instances'),
      ({ instances }) =>
        expect(instances).toMatchObject([{ status: 'healthy', lifecycle: 'initializing' }]),
      30_000,
    );
    expect(known('warming')).toEqual([]);
    const offer = `/services/warming/instances/${warming.instanceId}/offer`;
    expect(await suite.get(offer)).toMatchObject({
      reasons: [{ message: expect.stringContaining('warms its cache') }],
    });
    await warming.announce('running');
    await offered('warming', 1);
    await warming.stop();
  });

  it('can be anything that speaks HTTP', async () => {
    const server = createServer((_, response) => response.writeHead(200).end('{}'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await register('plain');
    const path = '/services/plain/instances';
    expect((await suite.request('POST', path, instanceOf('plain', port))).status).toBe(202);
    await offered('plain', 1);
    expect((await suite.request('POST', `${path}/plain-1/heartbeat`, {})).status).toBe(202);
    expect((await suite.request('DELETE', `${path}/plain-1`)).status).toBe(202);
    await offered('plain', 0);
    server.close();
  });
});
