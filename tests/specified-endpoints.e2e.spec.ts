import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  contracts,
  fieldsIn,
  specifiedEndpoints,
  titleOf,
  type SpecifiedEndpoint,
} from '@downbeat/contracts';
import { eventually } from '@downbeat/test-bench';
import { book, bookingRequest, ended } from './support/bookings';
import { feedEveryView } from './support/every-view';
import { consumePlainly } from './support/plain-consumer';
import { Suite } from './support/suite';

type Method = SpecifiedEndpoint['method'];
type Body = Readonly<Record<string, unknown>>;

const routes = new Set(
  Object.values(contracts)
    .flatMap(({ commands, queries }) => [...commands, ...queries])
    .flatMap(({ http }) => (http ? [titleOf(http)] : [])),
);
const served = specifiedEndpoints.filter((endpoint) => routes.has(titleOf(endpoint)));
const serviceId = 'cellar';
const breaker = {
  service_name: serviceId,
  target_service: 'kitchen',
  endpoint_pattern: '/wines/*',
  failure_threshold: 5,
  success_threshold: 3,
  timeout_duration: 60,
};
const service = {
  service_version: '1.0.0',
  service_type: 'api',
  service_description: 'Keeps the wine',
  deployment_environment: 'production',
  base_url: 'http://127.0.0.1:1',
  health_check_endpoint: '/health',
  metrics_endpoint: '/metrics',
  dependencies: [],
  configuration_schema: { type: 'object' },
  resource_requirements: { cpu_limit: '500m', memory_limit: '256Mi', storage_limit: '1Gi' },
  scaling_config: { min_replicas: 1, max_replicas: 3, target_cpu_percent: 70 },
};
/** It fails at once, and has nothing that could be undone. */
const hopeless = {
  name: 'hopeless',
  steps: [
    {
      name: 'ask-nobody',
      type: 'service_call',
      service_name: serviceId,
      endpoint: '/',
      retry_policy: { max_retries: 0 },
    },
  ],
};

/** Whether a field is there: a dot goes into an object, `[]` into any item of a list. */
function has(value: unknown, path: readonly string[]): boolean {
  const [head, ...rest] = path;
  if (head === undefined) return value !== undefined;
  if (value === null || typeof value !== 'object') return false;
  const inside = (value as Body)[head.replace('[]', '')];
  if (!head.endsWith('[]')) return has(inside, rest);
  return Array.isArray(inside) && inside.some((item) => has(item, rest));
}

const lacking = (list: string | undefined, values: readonly unknown[]): readonly string[] =>
  fieldsIn(list).filter((field) => !values.some((value) => has(value, field.split('.'))));

describe('the endpoints of the specification', () => {
  let suite: Suite;
  const asked = new Map<string, unknown[]>();
  const answered = new Map<string, Body[]>();

  const call = async (method: Method, path: string, given: Body = {}): Promise<Body> => {
    const values = given['in'] as Readonly<Record<string, string>> | undefined;
    const { in: _, ...body } = given;
    const url = path.replace(/\{(\w+)\}/g, (_whole, name: string) => values?.[name] ?? '');
    const isRead = method === 'GET' || method === 'DELETE';
    const query = new URLSearchParams(body as Record<string, string>).toString();
    const answer = isRead
      ? await suite.request(method, query === '' ? url : `${url}?${query}`)
      : await suite.request(method, url, body);
    if (answer.status >= 300) throw new Error(`${url}: ${JSON.stringify(answer.body)}`);
    const title = titleOf({ method, path });
    asked.set(title, [...(asked.get(title) ?? []), body]);
    answered.set(title, [...(answered.get(title) ?? []), answer.body]);
    return answer.body;
  };

  beforeAll(async () => {
    suite = await Suite.start({ demo: true });
    await feedEveryView(suite);
    await aboutServices();
    await aboutRuns();
    await aboutBreakers();
    await aboutTraces();
    await aboutCalls();
    await aboutQueues();
  }, 180_000);
  afterAll(() => suite?.stop(), 60_000);

  async function aboutServices(): Promise<void> {
    await call('POST', '/services', { service_name: serviceId, ...service });
    await call('PUT', '/services/{service_id}', { in: { service_id: serviceId }, ...service });
    const instance = { service_id: serviceId, instance_id: 'cellar-1' };
    await call('POST', '/services/{service_id}/instances', {
      in: instance,
      instance_id: 'cellar-1',
      node_name: 'here',
      ip_address: '127.0.0.1',
      port: 1,
      version: '1.0.0',
      metadata: { rack: 'a' },
    });
    const usage = { cpu_percent: 1, memory_mb: 2, disk_mb: 3, requests_per_minute: 4 };
    await call('POST', '/services/{service_id}/instances/{instance_id}/heartbeat', {
      in: instance,
      resource_usage: usage,
    });
    await eventually(
      () => call('GET', '/services/{service_id}/instances', { in: instance }),
      ({ instances }) => expect(instances).toMatchObject([{ resource_usage: { disk_mb: 3 } }]),
    );
    await eventually(
      () => call('GET', '/services'),
      (body) => expect(lacking(answersOf('GET', '/services'), [body])).toEqual([]),
    );
    await call('DELETE', '/services/{service_id}/instances/{instance_id}', { in: instance });
  }

  async function aboutRuns(): Promise<void> {
    const bookings = await book(suite, 'specified', 3);
    const ends = await ended(suite, bookings);
    expect([...ends.values()]).toEqual(['completed', 'completed', 'compensated']);
    const started = await call('POST', '/workflows', {
      ...bookingRequest(`specified-${randomUUID()}`, 0),
      workflow_version: '1.0.0',
      wedding_id: randomUUID(),
      timeout_minutes: 5,
    });
    await eventually(
      () => call('GET', '/workflows'),
      (body) => expect(lacking(answersOf('GET', '/workflows'), [body])).toEqual([]),
    );
    for (const { workflow_id } of bookings)
      await call('GET', '/workflows/{workflow_id}/status', { in: { workflow_id } });
    const booking_id = String(started['correlation_id']);
    const workflow_id = String(started['workflow_id']);
    await ended(suite, [{ booking_id, workflow_id }]);
    await call('POST', '/workflows/{workflow_id}/compensate', {
      in: { workflow_id },
      reason: 'they do not marry',
      compensation_strategy: 'custom',
      custom_steps: ['hold-venue'],
    });
    await aboutFailure();
  }

  async function aboutFailure(): Promise<void> {
    const registered = await suite.request('POST', '/workflow-definitions', hopeless);
    expect([registered.status, registered.body]).toEqual([202, registered.body]);
    const { workflow_id } = await call('POST', '/workflows', {
      workflow_name: hopeless.name,
      initiating_service: 'end-to-end',
      context_data: {},
    });
    const of = { workflow_id: String(workflow_id) };
    await eventually(
      () => call('GET', '/workflows/{workflow_id}/status', { in: of }),
      ({ workflow }) => expect(workflow).toMatchObject({ current_status: 'failed' }),
    );
    await call('POST', '/workflows/{workflow_id}/retry', {
      in: of,
      retry_strategy: 'from_step',
      from_step: 1,
      max_retries: 0,
    });
  }

  async function aboutBreakers(): Promise<void> {
    const { breaker_id } = await call('POST', '/circuit-breakers', breaker);
    const of = { breaker_id: String(breaker_id) };
    await call('PUT', '/circuit-breakers/{breaker_id}/reset', {
      in: of,
      reason: 'it was repaired',
      force: true,
    });
    const { circuit_breakers } = await call('GET', '/circuit-breakers');
    for (const { id } of circuit_breakers as { id: string }[])
      await call('GET', '/circuit-breakers/{breaker_id}/metrics', { in: { breaker_id: id } });
  }

  async function aboutTraces(): Promise<void> {
    const trace_id = randomUUID().replaceAll('-', '');
    const start_us = Date.now() * 1_000;
    const of = { trace_id, start_us, duration_us: 5_000 };
    const root = { ...of, span_id: 'b7ad6b7169203331', operation_name: 'POST /orders' };
    const child = { ...of, span_id: '00f067aa0ba902b7', operation_name: 'reserve' };
    await call('POST', '/traces/batches/{batch_id}', {
      in: { batch_id: 'specified-1' },
      resources: [
        {
          service_name: 'shop',
          spans: [
            {
              ...root,
              span_kind: 'client',
              status_code: 'error',
              status_message: 'no',
              tags: { a: 'b' },
            },
          ],
        },
        {
          service_name: serviceId,
          spans: [
            {
              ...child,
              parent_span_id: root.span_id,
              span_kind: 'server',
              logs: [{ at_us: start_us, name: 'exception', tags: { 'exception.message': 'no' } }],
            },
          ],
        },
      ],
    });
    await eventually(
      () => call('GET', '/traces'),
      (body) => expect(lacking(answersOf('GET', '/traces'), [body])).toEqual([]),
    );
    await call('GET', '/traces/{trace_id}', { in: { trace_id } });
    const found = await call('GET', '/traces/search', {
      service_name: 'shop',
      operation_name: 'POST /orders',
      tags: 'a=b',
      duration_min_ms: '1',
      duration_max_ms: '60000',
      start_time: new Date(Date.now() - 60_000).toISOString(),
      end_time: new Date(Date.now() + 60_000).toISOString(),
      has_errors: 'true',
      limit: '10',
      offset: '0',
    });
    expect(found['traces']).toMatchObject([{ trace_id }]);
  }

  async function aboutCalls(): Promise<void> {
    const minute = new Date(Math.floor(Date.now() / 60_000) * 60_000).toISOString();
    await call('POST', '/observability/calls/reports/{report_id}', {
      in: { report_id: 'specified-1' },
      calls: [
        {
          ...{ source_service: 'shop', target_service: serviceId, protocol: 'http' },
          ...{ method: 'GET', endpoint: '/wines/{id}', minute },
          ...{ ok: 2, client_errors: 0, server_errors: 1, unanswered: 0 },
          ...{ duration_us: 12_000, durations: { '47': 3 } },
        },
      ],
    });
    const path = '/observability/service-map';
    await eventually(
      () => call('GET', path),
      (body) => expect(lacking(answersOf('GET', path), [body])).toEqual([]),
    );
  }

  async function aboutQueues(): Promise<void> {
    const queue_name = 'bottles-counted';
    await call('POST', '/messages/queues', {
      queue_name,
      queue_type: 'topic',
      producer_services: ['shop'],
      consumer_services: [serviceId],
      retention_hours: 24,
      max_message_size: 10_000,
      dlq_enabled: true,
      dlq_max_retries: 0,
      monitoring_config: { alert_on_backlog: 10, alert_on_processing_time: 1_000 },
    });
    await call('POST', '/messages/queues', {
      queue_name: 'bottles-lost',
      queue_type: 'dead_letter',
      message_pattern: 'bottles-*',
    });
    const message = {
      ...{ queue_name, message_type: 'counted', message_payload: { bottles: 7 } },
      ...{ correlation_id: 'cellar-7', headers: { tenant: 'north' } },
    };
    const from = 'shop';
    const sent = await call('POST', '/messages/send', { ...message, from, ttl_seconds: 3_600 });
    expect(sent['status']).toBe('queued');
    const spoilt = await call('POST', '/messages/send', { ...message, from });
    expect(spoilt['status']).toBe('queued');
    const spoil = `/messages/subscriptions/${serviceId}/quarantine`;
    await consumePlainly(
      suite.natsUrl,
      `${serviceId}_${queue_name}_normal`,
      2,
      async (one, place) => {
        if (one.headers?.get('Downbeat-Message-Id') !== spoilt['message_id']) return;
        const failure = { ...place, attempts: 2, error: 'no such bottle' };
        expect((await suite.request('POST', spoil, failure)).status).toBe(202);
      },
    );
    await eventually(
      () => call('GET', '/messages/queues'),
      (body) => expect(lacking(answersOf('GET', '/messages/queues'), [body])).toEqual([]),
    );
    const path = '/messages/queues/{queue_name}/messages';
    await eventually(
      () => call('GET', path, { in: { queue_name } }),
      (body) => expect(lacking(answersOf('GET', path), [body])).toEqual([]),
    );
    await eventually(
      () => call('POST', '/messages/send', { ...message, from, delay_seconds: 3_600 }),
      (body) => expect(lacking(answersOf('POST', '/messages/send'), [body])).toEqual([]),
    );
  }

  const answersOf = (method: Method, path: string): string | undefined =>
    specifiedEndpoints.find((one) => titleOf(one) === titleOf({ method, path }))?.answers;

  it.each(served.map((endpoint) => [titleOf(endpoint), endpoint] as const))(
    'are answered: %s',
    (title, { asks, answers }) => {
      expect(answered.get(title)).toBeDefined();
      expect(lacking(asks, asked.get(title) ?? [])).toEqual([]);
      expect(lacking(answers, answered.get(title) ?? [])).toEqual([]);
    },
  );

  it('are told of in docs/api-coverage.md as they are', () => {
    const page = readFileSync(join(__dirname, '..', 'docs', 'api-coverage.md'), 'utf8');
    for (const endpoint of specifiedEndpoints) {
      const row = page.split('\n').find((line) => line.includes(`\`${titleOf(endpoint)}\``));
      expect([row, row?.includes('| yes |')]).toEqual([row, served.includes(endpoint)]);
    }
  });

  it('miss a field that is not there', () => {
    const answer = { list: [{ a: 1 }, { b: { c: null } }] };
    expect(lacking('list[].a list[].b.c list[].d list.a other', [answer])).toEqual([
      ...['list[].d', 'list.a', 'other'],
    ]);
  });
});
