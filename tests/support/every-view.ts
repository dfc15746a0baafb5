import { randomUUID } from 'node:crypto';
import { eventually } from '@downbeat/test-bench';
import type { Suite } from './suite';

const KITCHEN = 'kitchen';

/** Something of every kind that the views of registry and health show, changed after it was made. */
export async function feedEveryView(suite: Suite): Promise<void> {
  const send = async <Body>(method: string, path: string, body?: object): Promise<Body> => {
    const key = { 'idempotency-key': randomUUID() };
    const answer = await eventually(
      () => suite.request<Body>(method, path, body, key),
      // A busy machine answers late; the key makes sure that it is done once.
      ({ status }) => expect([503, 504]).not.toContain(status),
    );
    if (answer.status !== 202)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const services = `/services/${KITCHEN}`;
  const instance = `${services}/instances/${KITCHEN}-1`;
  const service = {
    service_name: KITCHEN,
    service_version: '1.0.0',
    service_type: 'api',
    deployment_environment: 'production',
    dependencies: ['crowd-1', { service_name: 'nobody', required: false }],
    capabilities: ['cooking'],
  };
  await send('POST', '/services', service);
  await send('PUT', services, {
    capabilities: ['cooking', 'baking'],
    dependencies: ['crowd-2'],
    health_check: { interval_ms: 60_000 },
  });
  await send('POST', `${services}/instances`, {
    instance_id: `${KITCHEN}-1`,
    node_name: 'here',
    ip_address: '127.0.0.1',
    // Nobody listens there: its checks fail.
    port: 1,
    version: '1.0.0',
    heartbeat_ttl_ms: 3_600_000,
  });
  await send('PUT', `${instance}/lifecycle`, { lifecycle: 'starting' });
  await send('POST', `${instance}/heartbeat`, {});
  await configure(send, services, instance);
  await reportBreakers(send);
}

type Send = <Body>(method: string, path: string, body?: object) => Promise<Body>;

async function configure(send: Send, services: string, instance: string): Promise<void> {
  const path = `${services}/configurations`;
  await send('POST', path, { environment: 'base', configuration: { ovens: 2, hot: true } });
  for (const ovens of [3, 4]) {
    const { config_version, checksum } = await send<{ config_version: string; checksum: string }>(
      'POST',
      path,
      { environment: 'production', configuration: { ovens } },
    );
    await send('POST', `${path}/production/versions/${config_version}/activate`, {});
    const told = { environment: 'production', checksum, outcome: 'applied' };
    await send('POST', `${instance}/configuration`, told);
  }
  await send('POST', `${path}/production/rollback`, { reason: 'too hot' });
}

async function reportBreakers(send: Send): Promise<void> {
  const settings = { failure_threshold: 5, success_threshold: 3, timeout_duration: 60 };
  const at = new Date().toISOString();
  await send('PUT', '/circuit-breaker-defaults', settings);
  const breaker = { service_name: KITCHEN, target_service: 'crowd-1', ...settings };
  const { breaker_id } = await send<{ breaker_id: string }>('POST', '/circuit-breakers', breaker);
  const evidence = { rule: 'consecutive', calls: 5, failures: 5, slow: 0, share: 1, threshold: 5 };
  await send('POST', '/circuit-breaker-reports', {
    holder: `${KITCHEN}-1`,
    report_no: 1,
    breakers: [
      {
        ...breaker,
        state: 'open',
        failure_count: 5,
        last_failure_at: at,
        next_attempt_at: new Date(Date.now() + 60_000).toISOString(),
        transitions: [
          {
            at,
            from: 'closed',
            to: 'open',
            mode: 'automatic',
            cause: { kind: 'tripped', evidence },
          },
        ],
        calls: [{ from: at, seconds: 60, calls: 9, failures: 5 }],
      },
    ],
  });
  await send('PUT', `/circuit-breakers/${breaker_id}/reset`, { reason: 'it was repaired' });
}
