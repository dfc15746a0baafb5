import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DownbeatService, topic, type MessageInfo } from '@downbeat/sdk';
import { eventually } from '@downbeat/test-bench';
import { z } from 'zod';
import { Suite } from './support/suite';

const PAGE = join(__dirname, '..', 'docs', 'services-without-the-sdk.md');
const run = promisify(execFile);
const seatSold = topic('seat-sold', z.object({ seat: z.string() }));

interface Said {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Goal: what the page promises. Method: its own commands, in its order, against a suite and a plain HTTP server. */
describe('a service without the SDK', () => {
  const [setUp = '', ...sections] = readFileSync(PAGE, 'utf8').split('\n## ');
  const linesOf = (markdown: string): readonly string[] =>
    [...markdown.matchAll(/```bash\n([^]*?)```/g)].flatMap(([, block = '']) =>
      block.trimEnd().split('\n'),
    );
  const headings = sections.map((section) => section.split('\n')[0]);
  const done: string[] = [];

  let suite: Suite;
  let server: Server;
  let checks: number;
  beforeAll(async () => {
    checks = 0;
    server = createServer((request, response) => {
      if (request.url === '/health') checks++;
      response.writeHead(request.url === '/health' ? 204 : 404).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    suite = await Suite.start({ demo: false });
  });
  afterAll(async () => {
    server.close();
    await suite?.stop();
  });

  /** With the addresses of this test in place of the page's. */
  const carriedOut = async (command: string): Promise<Said> => {
    const { port } = server.address() as AddressInfo;
    const script = [...linesOf(setUp), `${command} -s -w '\\n%{http_code}'`]
      .join('\n')
      .replace('http://127.0.0.1:8080', suite.gatewayUrl)
      .replace('"port":3000', `"port":${port}`)
      // On a busy machine the tests take longer than the page's instance may be silent.
      .replace('"heartbeat_ttl_ms":15000', '"heartbeat_ttl_ms":600000');
    const { stdout } = await run('bash', ['-euc', script], { timeout: 30_000 });
    const [body = '', status] = stdout.trim().split('\n');
    return { status: Number(status), body: JSON.parse(body) as Said['body'] };
  };
  const section = (heading: string): readonly string[] => {
    done.push(heading);
    return linesOf(sections.find((one) => one.startsWith(`${heading}\n`)) ?? '');
  };
  /** The section's only command. */
  const say = async (heading: string): Promise<Said> => {
    const [command, ...others] = section(heading);
    if (command === undefined || others.length > 0) throw new Error(`${heading}: not one command`);
    const said = await carriedOut(command);
    expect(said).toMatchObject({ status: 202 });
    return said;
  };
  /** The section's questions, until they are answered as they should be. */
  const ask = async (heading: string, ...expected: readonly object[]): Promise<void> => {
    const questions = section(heading);
    expect(questions).toHaveLength(expected.length);
    for (const [at, question] of questions.entries())
      await eventually(
        () => carriedOut(question),
        (said) => expect(said).toMatchObject({ status: 200, body: expected[at] }),
        30_000,
      );
  };
  const instance = async () => {
    const { instances } = await suite.get<{ instances: readonly Record<string, unknown>[] }>(
      '/services/tickets/instances',
    );
    return instances[0];
  };
  const offered = async (): Promise<number> => {
    const path = '/discovery/instances?service_name=tickets';
    return (await suite.get<{ instances: readonly unknown[] }>(path)).instances.length;
  };

  it('is registered, alive, checked and found by the commands of the page', async () => {
    await say('Make the service known');
    await say('Register an instance');
    await say('Say that it is alive');
    await eventually(instance, (one) =>
      expect(one).toMatchObject({ resource_usage: { cpu_percent: 12.5, memory_mb: 180 } }),
    );
    await ask(
      'Be healthy',
      { service_name: 'tickets', status: 'healthy', healthy_instances: 1 },
      { instances: [{ instance_id: 'tickets-1', status: 'healthy' }] },
      { components: { tickets: { status: 'healthy' } } },
      { instance_id: 'tickets-1', is_offered: true },
    );
    expect(checks).toBeGreaterThan(0);
    const { port } = server.address() as AddressInfo;
    const found = { instances: [{ service_name: 'tickets', url: `http://127.0.0.1:${port}` }] };
    await ask('Find others', found, found);
  });

  it('publishes to services that have subscribed, once for the same message', async () => {
    const heard: [unknown, MessageInfo][] = [];
    const hall = new DownbeatService({
      gatewayUrl: suite.gatewayUrl,
      natsUrl: suite.natsUrl,
      service: { service_name: 'hall', service_version: '1.0.0' },
    }).subscribe(seatSold, (message, info) => void heard.push([message, info]));
    await hall.start();
    try {
      await eventually(
        () => suite.get<{ subscriptions: unknown[] }>('/messages/subscriptions?topic=seat-sold'),
        ({ subscriptions }) => expect(subscriptions).toHaveLength(1),
      );
      const { body } = await say('Tell others');
      expect(body).toMatchObject({ topic: 'seat-sold', message_id: 'sold-12A' });
      await say('Tell others');
      const last = { from: 'tickets', message: { seat: '12B' }, priority: 'high' };
      await suite.request('POST', '/messages/topics/seat-sold', last);
      await eventually(
        () => heard.map(([message]) => message),
        (messages) => expect(messages).toEqual([{ seat: '12A' }, { seat: '12B' }]),
      );
      expect(heard[0]?.[1]).toMatchObject({ id: 'sold-12A', from: 'tickets', priority: 'high' });
    } finally {
      await hall.stop();
    }
  });

  it('takes no more calls while it ends, and goes', async () => {
    expect(await offered()).toBe(1);
    await say('Take no more calls');
    await eventually(offered, (count) => expect(count).toBe(0));
    expect(await instance()).toMatchObject({ lifecycle: 'stopping', is_offered: false });
    await say('Go');
    await eventually(offered, (count) => expect(count).toBe(0));
    await eventually(instance, (one) =>
      expect(one?.['status'] ?? 'terminating').toBe('terminating'),
    );
    expect(new Set(done)).toEqual(new Set(headings));
  });
});
