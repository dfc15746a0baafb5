import { z } from 'zod';
import { INSTANCES_AT_ONCE_MAX, registerInstance, registerInstances } from './instances';
import { parseUntrustedJson } from '../untrusted-json';

const plain = {
  service_id: 'billing',
  ip_address: '10.0.0.7',
  port: 3000,
  version: '1.4.0',
};
const full = {
  ...plain,
  zone: 'a',
  weight: 1,
  priority: 0,
  session: { server_id: 'S', client_id: 7 },
  heartbeat_ttl_ms: 15_000,
  health_check_subject: 'service.billing.health',
  metadata: {},
};
const labels = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`label-${n}`, 'value']));
const bodyOf = (instance: object, count = INSTANCES_AT_ONCE_MAX) => {
  const instances = Array.from({ length: count }, (_, n) => ({
    instance_id: `b-${n}`,
    ...instance,
  }));
  return JSON.stringify({ node_name: 'node-a', instances });
};

describe('instances that are registered at once', () => {
  it.each([
    ['plain', plain],
    ['full', full],
    ['full, with labels', { ...full, metadata: labels(4) }],
  ])('are as many as may be when they are %s', (_, instance) => {
    const body = parseUntrustedJson(bodyOf(instance));
    expect(body).toHaveProperty('value');
    const { value } = body as { value: unknown };
    expect(registerInstances.data.safeParse(value).success).toBe(true);
  });

  it('are to be sent in smaller parts when they have more keys, or bytes, than one body may', () => {
    const keys =
      'the body has more than 10000 keys and places in lists together: send less at once';
    const many = { ...full, metadata: labels(6) };
    expect(parseUntrustedJson(bodyOf(many))).toMatchObject({
      code: 'malformed-body',
      message: keys,
      errors: [{ field: '' }],
    });
    expect(parseUntrustedJson(bodyOf(many, INSTANCES_AT_ONCE_MAX / 2))).toHaveProperty('value');
    const long = { ...full, metadata: { note: 'x'.repeat(2_048) } };
    expect(parseUntrustedJson(bodyOf(long))).toMatchObject({
      code: 'body-too-large',
      message: expect.stringMatching(/send less at once$/) as string,
    });
  });

  it('are described with what they may have together', () => {
    const { properties } = z.toJSONSchema(registerInstances.data, { io: 'input' });
    expect(properties?.['instances']).toMatchObject({
      description: expect.stringMatching(/1 MiB and 10000 keys .* 2 KiB and 20 each/) as string,
    });
  });
});

describe('how far an instance has come when it is registered', () => {
  const single = { ...plain, instance_id: 'b-1', node_name: 'node-a' };
  const together = { node_name: 'node-a', instances: [{ ...plain, instance_id: 'b-1' }] };
  const isTaken = (lifecycle: unknown) => [
    registerInstance.data.safeParse({ ...single, lifecycle }).success,
    registerInstances.data.safeParse({
      ...together,
      instances: together.instances.map((one) => ({ ...one, lifecycle })),
    }).success,
  ];

  it.each(['initializing', 'starting', 'running', undefined])('may be %s', (lifecycle) =>
    expect(isTaken(lifecycle)).toEqual([true, true]),
  );

  it.each(['registered', 'stopping', 'stopped', 'failed', 'Initializing', '', null, 1])(
    'cannot be %s',
    (lifecycle) => expect(isTaken(lifecycle)).toEqual([false, false]),
  );
});
