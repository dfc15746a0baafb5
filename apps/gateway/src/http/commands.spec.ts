import { createHash } from 'node:crypto';
import { NoOutcome, BusUnavailable, type Problem } from '@downbeat/message-bus';
import { eventually } from '@downbeat/local-servers/testing';
import { GatewayBench } from '../testing/gateway-bench';
import { StartsUnderWay } from './starts-under-way';

const service = {
  service_name: 'billing',
  service_version: '1.4.0',
  service_type: 'api',
  deployment_environment: 'production',
  dependencies: [],
};
const services = '/api/orchestration/services';
const workflows = '/api/orchestration/workflows';
const run = { workflow_name: 'order-goods', initiating_service: 'shop', context_data: {} };

describe('a command over HTTP', () => {
  let bench: GatewayBench;
  beforeAll(async () => {
    bench = await GatewayBench.start();
  });
  beforeEach(() => bench.forget());
  afterAll(() => bench.stop());

  const refuseWith = (problem: Problem) => {
    bench.bus.onCommand = () => ({ accepted: false, problem });
  };

  it('answers where it stands in the log, and where to read it', async () => {
    bench.bus.onCommand = () => ({
      accepted: true,
      position: 7,
      answer: { service_id: 'billing' },
      repeated: false,
    });
    const response = await bench.send('POST', services, service);
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ position: 7, service_id: 'billing' });
    expect(response.headers.get('X-Read-Position')).toBe('7');
    expect(response.headers.get('Location')).toBe(`${services}/billing`);
    expect(response.headers.get('Idempotent-Replayed')).toBeNull();
  });

  it('makes an id of what it is about, when its contract says of what', async () => {
    const breaker = {
      service_name: 'shop',
      target_service: 'billing',
      failure_threshold: 5,
      success_threshold: 3,
      timeout_duration: 60,
    };
    const patterns = [{}, { endpoint_pattern: '*' }, { endpoint_pattern: '/invoices' }];
    for (const pattern of patterns)
      await bench.send('POST', '/api/orchestration/circuit-breakers', { ...breaker, ...pattern });
    const [one, same, other] = bench.bus.commands.map(({ body }) => String(body['breaker_id']));
    expect(one).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(same).toBe(one);
    expect(other).not.toBe(one);
    expect(bench.bus.commands[0]?.subject).toBe(`command.health.CreateCircuitBreaker.${one}`);
  });

  it('says where a version of a configuration can be read', async () => {
    const said = { environment: 'production', config_version: '7', configuration: {} };
    const response = await bench.send('POST', `${services}/billing/configurations`, said);
    expect(response.headers.get('Location')).toBe(
      `${services}/billing/configurations/production/versions/7`,
    );
  });

  it('is identified by its idempotency key', async () => {
    bench.bus.onCommand = () => ({ accepted: true, position: 7, answer: {}, repeated: true });
    const response = await bench.send('POST', services, service, { 'Idempotency-Key': 'key-1' });
    expect(bench.bus.commands[0]?.options?.id).toBe('key-1');
    expect(response.headers.get('Idempotency-Key')).toBe('key-1');
    expect(response.headers.get('Idempotent-Replayed')).toBe('true');
  });

  it('is refused when its key was used with another body, in the words of HTTP', async () => {
    refuseWith({
      code: 'idempotency-key-reused',
      message: 'Nats-Msg-Id was used for this command with another body',
      kind: 'conflict',
      errors: [{ field: 'Nats-Msg-Id', message: 'was used for this command with another body' }],
    });
    const response = await bench.send('POST', services, service, { 'Idempotency-Key': 'key-1' });
    expect(await response.json()).toMatchObject({
      status: 409,
      code: 'idempotency-key-reused',
      detail: expect.stringMatching(/^Idempotency-Key was used/) as string,
      errors: [{ field: 'Idempotency-Key' }],
      hint: expect.stringContaining('new key') as string,
    });
  });

  it('gets a key when it has none, which is answered back', async () => {
    const response = await bench.send('POST', services, service);
    const id = bench.bus.commands[0]?.options?.id;
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(response.headers.get('Idempotency-Key')).toBe(id);
  });

  it.each([
    ['', 'empty'],
    ['a b', 'a blank'],
    ['x'.repeat(201), 'too long'],
    ['é', 'not ASCII'],
  ])('is refused with the key "%s" (%s)', async (key) => {
    const response = await bench.send('POST', services, service, { 'Idempotency-Key': key });
    expect(await response.json()).toMatchObject({
      status: 400,
      errors: [{ field: 'Idempotency-Key' }],
    });
    expect(bench.bus.isUntouched).toBe(true);
  });

  it('starts the same run when it is repeated without a correlation id of its own', async () => {
    const headers = { 'Idempotency-Key': 'booking-1' };
    await bench.send('POST', workflows, run, headers);
    await bench.send('POST', workflows, run, headers);
    await bench.send('POST', workflows, run, { 'Idempotency-Key': 'booking-2' });
    const [first, second, third] = bench.bus.commands.map(({ subject }) => subject);
    expect(first).toBe(second);
    expect(first).not.toBe(third);
    expect(first).toContain(createHash('sha256').update('booking-1').digest('hex').slice(0, 8));
  });

  it('takes the correlation id of its run for itself, unless the sender named one', async () => {
    const body = { ...run, correlation_id: 'order-4711' };
    const unnamed = await bench.send('POST', workflows, body);
    const named = await bench.send('POST', workflows, body, { 'X-Correlation-ID': 'cart-1' });
    expect(bench.bus.commands.map(({ options }) => options?.correlationId)).toEqual([
      'order-4711',
      'cart-1',
    ]);
    expect(unnamed.headers.get('X-Correlation-ID')).toBe('order-4711');
    expect(named.headers.get('X-Correlation-ID')).toBe('cart-1');
  });

  it.each(['a b', 'x'.repeat(129), 'a{b}'])(
    'gets a new correlation id instead of "%s"',
    async (given) => {
      const response = await bench.send('POST', services, service, { 'X-Correlation-ID': given });
      expect(response.headers.get('X-Correlation-ID')).toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  it('passes the trace context on, and names the trace in a problem', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
    refuseWith({ code: 'service-unknown', message: 'no such service', kind: 'not-found' });
    const response = await bench.send('POST', services, service, { traceparent });
    expect(bench.bus.commands[0]?.options?.traceparent).toBe(traceparent);
    expect(await response.json()).toMatchObject({ trace_id: traceId });
  });

  it.each([
    'nonsense',
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `ff-${'a'.repeat(32)}-00f067aa0ba902b7-01`,
  ])('gets a trace context instead of %s', async (traceparent) => {
    await bench.send('POST', services, service, { traceparent });
    const passedOn = bench.bus.commands[0]?.options?.traceparent;
    expect(passedOn).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(passedOn).not.toBe(traceparent);
  });

  it.each([
    ['invalid', 400],
    ['not-found', 404],
    ['gone', 410],
    ['conflict', 409],
    ['unavailable', 503],
    ['internal', 500],
  ] as const)('that is refused as %s answers %i', async (kind, status) => {
    refuseWith({ code: 'some-code', message: 'a secret of the inside', kind });
    const response = await bench.send('POST', services, service);
    const problem = (await response.json()) as Record<string, unknown>;
    expect(response.status).toBe(status);
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    expect(problem).toMatchObject({ type: '/problems/some-code', status, code: 'some-code' });
    expect(response.headers.get('Retry-After')).toBe(kind === 'unavailable' ? '1' : null);
    expect(JSON.stringify(problem).includes('secret')).toBe(kind !== 'internal');
  });

  it('passes on which fields a rule refuses, and what can be done', async () => {
    const errors = [{ field: 'steps.2.endpoint', message: 'cannot be reached' }];
    refuseWith({ code: 'bad', message: 'no', kind: 'invalid', errors, hint: 'remove it' });
    const response = await bench.send('POST', services, service);
    expect(await response.json()).toMatchObject({ errors, hint: 'remove it' });
  });

  it('that finds no room for a new run says when to come again, and that nothing was started', async () => {
    refuseWith({
      code: 'overloaded',
      message: '5 runs are open already; nothing was started',
      kind: 'unavailable',
      hint: 'Ask again after retry_after_seconds, with the same id.',
      retry_after_seconds: 7,
    });
    const response = await bench.send('POST', workflows, run);
    expect([response.status, response.headers.get('Retry-After')]).toEqual([429, '7']);
    expect(await response.json()).toMatchObject({
      code: 'overloaded',
      detail: '5 runs are open already; nothing was started',
      hint: expect.stringContaining('Idempotency-Key'),
    });
  });

  it('is turned away when enough runs are being started, unless it is about runs under way', async () => {
    const narrow = await GatewayBench.start(undefined, new StartsUnderWay(1));
    try {
      const accepted = { accepted: true, position: 7, answer: {}, repeated: false } as const;
      let settle: () => void = () => undefined;
      const sent = new Promise<void>((isSent) => {
        narrow.bus.onCommand = (command) => {
          if (!command.subject.includes('StartWorkflow')) return accepted;
          isSent();
          return new Promise((resolve) => (settle = () => resolve(accepted)));
        };
      });
      const first = narrow.send('POST', workflows, run);
      await sent;
      const second = await narrow.send('POST', workflows, run);
      expect([second.status, second.headers.get('Retry-After')]).toEqual([503, '1']);
      expect(await second.json()).toMatchObject({ code: 'gateway/overloaded' });
      const path = `${workflows}/7d44a2ce-2b5c-4f0e-9d2e-b7f1d1f6c0aa/compensate`;
      expect((await narrow.send('POST', path, { reason: 'stop' })).status).toBe(202);
      settle();
      expect((await first).status).toBe(202);
      const third = narrow.send('POST', workflows, run);
      await eventually(() => expect(narrow.bus.commands).toHaveLength(3));
      settle();
      expect((await third).status).toBe(202);
    } finally {
      await narrow.stop();
    }
  });

  it('without an outcome in time says how to learn it', async () => {
    bench.bus.onCommand = ({ subject }) => {
      throw new NoOutcome(subject, 'id', 10_000);
    };
    const response = await bench.send('POST', services, service);
    expect(await response.json()).toMatchObject({
      status: 504,
      code: 'message-bus/no-outcome',
      hint: expect.stringContaining('same Idempotency-Key'),
    });
    expect(response.headers.get('Idempotency-Key')).toBe(bench.bus.commands[0]?.options?.id);
  });

  it('without a bus is unavailable for the moment', async () => {
    bench.bus.onCommand = () => {
      throw new BusUnavailable('nats://inside:4222 is gone');
    };
    const response = await bench.send('POST', services, service);
    expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '1']);
    expect(await response.text()).not.toContain('inside');
  });

  it('that breaks something tells the log everything and the sender nothing', async () => {
    bench.bus.onCommand = () => {
      throw new TypeError('cannot read the secret');
    };
    const response = await bench.send('POST', services, service);
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).not.toMatch(/secret|\.ts|at /);
    expect(bench.logged).toMatch(/^{"err":"TypeError: cannot read the secret.*} \S+ broke Routes$/);
    expect(bench.logged).toContain((JSON.parse(text) as { trace_id: string }).trace_id);
  });

  it('takes a definition as YAML', async () => {
    const yaml = 'name: order-goods\nsteps:\n  - {name: wait, type: delay, delay_seconds: 1}\n';
    const response = await bench.send('POST', '/api/orchestration/workflow-definitions', yaml, {
      'Content-Type': 'application/yaml; charset=UTF-8',
    });
    expect(response.status).toBe(202);
    expect(bench.bus.commands[0]?.body).toMatchObject({
      name: 'order-goods',
      version: '1.0.0',
      steps: [{ name: 'wait', type: 'delay', delay_seconds: 1 }],
    });
  });

  describe('that starts a run, with a wish to wait for its end', () => {
    const started = (status = 'running') => {
      bench.bus.onCommand = () => ({
        accepted: true,
        position: 7,
        answer: { workflow_id: 'w-1', correlation_id: 'order-1', status },
        repeated: false,
      });
    };
    const shown = (current_status: string) => {
      bench.bus.onQuery = () => ({ ok: true, position: 9, data: { workflow: { current_status } } });
    };
    const begin = (headers: Readonly<Record<string, string>>, path = workflows) =>
      bench.send('POST', path, { ...run, correlation_id: 'order-1' }, headers);

    it.each([
      [{ Prefer: 'wait=10' }, workflows],
      [{ Prefer: 'respond-async, wait=10' }, workflows],
      [{}, `${workflows}?wait=10s`],
    ])(
      '%j %s is answered with the run as it ended, as soon as that is told',
      async (headers, path) => {
        started();
        shown('completed');
        bench.bus.onCommand = ((before) => (sent) => {
          setImmediate(() => bench.bus.hint('hint.saga.ended.order-1', { position: 9 }));
          return before(sent);
        })(bench.bus.onCommand);
        const response = await begin(headers, path);
        expect(response.status).toBe(200);
        expect(response.headers.get('Preference-Applied')).toBe('wait');
        expect(await response.json()).toEqual({ workflow: { current_status: 'completed' } });
      },
    );

    it('is answered at once when it has ended before', async () => {
      started('compensated');
      shown('compensated');
      expect((await begin({ Prefer: 'wait=60' })).status).toBe(200);
    });

    it('is answered as accepted when it has not ended in time', async () => {
      started();
      shown('running');
      const response = await begin({ Prefer: 'wait=1' });
      expect([response.status, response.headers.get('Preference-Applied')]).toEqual([202, null]);
    });

    it('is answered with the end even if nobody told of it', async () => {
      started();
      shown('failed');
      expect((await begin({ Prefer: 'wait=1' })).status).toBe(200);
    });

    it('asks nobody when it does not want to wait', async () => {
      started();
      expect((await begin({})).status).toBe(202);
      expect(bench.bus.queries).toEqual([]);
    });

    it.each(['61', '10m', '-1', '', '1e3'])('is refused with wait=%s', async (wait) => {
      const response = await begin({}, `${workflows}?wait=${wait}`);
      expect(await response.json()).toMatchObject({ status: 400, errors: [{ field: 'wait' }] });
      expect(bench.bus.isUntouched).toBe(true);
    });

    it('is refused where there is nothing to wait for', async () => {
      const response = await bench.send('POST', `${services}?wait=10s`, service);
      expect(await response.json()).toMatchObject({ status: 400, errors: [{ field: 'wait' }] });
    });
  });
});
