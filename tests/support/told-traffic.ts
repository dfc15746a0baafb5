import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'nats';
import { eventually } from '@downbeat/test-bench';
import { feedEveryView } from './every-view';
import type { Suite } from './suite';

/** Names and ids as users make them up: none of them may be seen in a metric. */
const SERVICE = 'cellar-4711';
const WORKFLOW = 'pour-for-guest-4711';
const REFUSED = 'guest-refused-4711';

const definition = {
  name: WORKFLOW,
  steps: [
    {
      name: 'hold-bottle',
      type: 'service_call',
      service_name: SERVICE,
      endpoint: '/bottles/4711',
      input_mapping: { guest: 'guest' },
      compensation_action: { service_name: SERVICE, endpoint: '/bottles/4711/back' },
    },
    {
      name: 'pour-4711',
      type: 'service_call',
      service_name: SERVICE,
      endpoint: '/glasses',
      input_mapping: { guest: 'guest' },
      retry_policy: { max_retries: 0 },
    },
  ],
};

/** A service that does what it is asked, but for one guest. */
export async function startCellar(): Promise<Server> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const isRefused = request.url === '/glasses' && body.includes(REFUSED);
      response.writeHead(isRefused ? 409 : 200, { 'content-type': 'application/json' });
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** One of everything that is counted: runs that end well and badly, checks, letters, spans, refusals. */
export async function makeTraffic(suite: Suite, server: Server): Promise<void> {
  await feedEveryView(suite);
  await register(suite, (server.address() as AddressInfo).port);
  await runBoth(suite);
  await quarantine(suite);
  await handOverSpans(suite);
  await suite.request('GET', '/services/nobody-4711');
}

async function register(suite: Suite, port: number): Promise<void> {
  await accepted(suite, '/services', {
    service_name: SERVICE,
    service_version: '1.0.0',
    service_type: 'api',
    deployment_environment: 'production',
    dependencies: [],
  });
  await accepted(suite, `/services/${SERVICE}/instances`, {
    instance_id: `${SERVICE}-1`,
    node_name: 'here',
    ip_address: '127.0.0.1',
    port,
    version: '1.0.0',
    heartbeat_ttl_ms: 300_000,
  });
  await eventually(
    () => suite.get<{ instances: unknown[] }>(`/discovery/instances?service_name=${SERVICE}`),
    ({ instances }) => expect(instances).toHaveLength(1),
  );
}

async function runBoth(suite: Suite): Promise<void> {
  await accepted(suite, '/workflow-definitions', definition);
  for (const [guest, status] of [
    ['guest-4711', 'completed'],
    [REFUSED, 'compensated'],
  ] as const) {
    await accepted(suite, '/workflows', {
      workflow_name: WORKFLOW,
      correlation_id: guest,
      initiating_service: 'bar-4711',
      context_data: { guest },
    });
    await eventually(
      () =>
        suite.get<{ workflows: { current_status: string }[] }>(
          `/workflows?correlation_id=${guest}`,
        ),
      ({ workflows }) => expect(workflows).toMatchObject([{ current_status: status }]),
    );
  }
}

async function quarantine(suite: Suite): Promise<void> {
  const nats = await connect({ servers: suite.natsUrl });
  try {
    nats.publish('command.registry.RegisterService.poison-4711', Buffer.from('no JSON'));
    await nats.flush();
  } finally {
    await nats.close();
  }
  await eventually(
    () => suite.get<{ total_count: number }>('/messages/dead-letters'),
    ({ total_count }) => expect(total_count).toBe(1),
  );
}

async function handOverSpans(suite: Suite): Promise<void> {
  const now = `${Date.now()}000000`;
  const ids = { traceId: 'abcdef0123456789abcdef0123456789', spanId: 'abcdef0123456789' };
  const span = { ...ids, name: 'pour', kind: 1, startTimeUnixNano: now, endTimeUnixNano: now };
  await eventually(
    () =>
      fetch(`${suite.app('health').url}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }),
      }),
    ({ status }) => expect(status).toBe(200),
  );
}

/** What the suite has no room for now is asked again. */
async function accepted(suite: Suite, path: string, body: object): Promise<void> {
  await eventually(
    () => suite.request('POST', path, body),
    ({ status }) => expect(status).toBe(202),
  );
}
