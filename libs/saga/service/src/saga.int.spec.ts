import { PAYLOAD_BYTES_MAX } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { connect, headers, StringCodec, type NatsConnection } from 'nats';
import { SagaBench, shopCall, type Status } from './testing/saga-bench';

let bench: SagaBench;
let nats: NatsConnection;
beforeAll(async () => {
  bench = await SagaBench.open('saga');
  nats = await connect({ servers: bench.natsUrl });
});
beforeEach(() => {
  bench.participants.react = () => ({ status: 200, body: { id: 'h-1', price: 5 } });
});
afterAll(async () => {
  await nats.close();
  await bench.close();
});

const timeline = ({ execution_timeline }: Status) =>
  execution_timeline.map(({ event, step_name }) => (step_name ? `${event} ${step_name}` : event));
const statusOf = ({ steps }: Status, name: string) =>
  steps.find(({ step_name }) => step_name === name)?.status;
/** Reacts to one path otherwise than with success. */
const at = (path: string, reaction: Awaited<ReturnType<typeof bench.participants.react>>) => {
  bench.participants.react = (call) =>
    call.path === path ? reaction : { status: 200, body: { id: 'h-1' } };
};

describe('a run over HTTP', () => {
  it('maps, decides, and tells participants who asks', async () => {
    await bench.register('order', [
      shopCall('hold', {
        input_mapping: { n: 'order.n', twice: '=order.n * 2' },
        output_mapping: { hold_id: 'id' },
      }),
      {
        name: 'big',
        type: 'decision',
        cases: [{ when: 'order.n > 1', goto: 'pay' }],
        default: 'small',
      },
      shopCall('small'),
      shopCall('pay', { method: 'GET', input_mapping: { hold: 'hold_id' } }),
    ]);
    const id = await bench.start('order', 'order-1', { context_data: { order: { n: 2 } } });
    const status = await bench.ended(id);
    expect(status.workflow).toMatchObject({
      current_status: 'completed',
      context_data: { order: { n: 2 }, hold_id: 'h-1' },
      progress_percentage: 100,
    });
    expect(timeline(status)).toEqual([
      'WorkflowStarted',
      'StepStarted hold',
      'StepCompleted hold',
      'DecisionTaken big',
      'StepStarted pay',
      'StepCompleted pay',
      'WorkflowCompleted',
    ]);
    const [hold, pay] = bench.participants.seen.filter(({ run }) => run === id);
    expect(hold).toMatchObject({
      method: 'POST',
      path: '/hold',
      body: { n: 2, twice: 4 },
      attempt: 1,
    });
    expect(hold?.headers).toMatchObject({
      'x-correlation-id': 'order-1',
      'idempotency-key': `${id}:hold`,
    });
    expect(pay).toMatchObject({ method: 'GET', path: '/pay?hold=h-1', body: undefined });
    expect(statusOf(status, 'small')).toBe('skipped');
  });

  it('goes through branches and a delay', async () => {
    await bench.register('wide', [
      {
        name: 'both',
        type: 'parallel',
        branches: [
          { name: 'left', steps: [shopCall('l1'), shopCall('l2')] },
          { name: 'right', steps: [shopCall('r1')] },
        ],
      },
      { name: 'rest', type: 'delay', delay_seconds: 0.05 },
      shopCall('last'),
    ]);
    const id = await bench.start('wide', 'wide-1');
    const status = await bench.ended(id);
    expect(status.workflow.current_status).toBe('completed');
    expect([...bench.participants.of(id)].sort()).toEqual(['l1', 'l2', 'last', 'r1']);
    expect(bench.participants.of(id).at(-1)).toBe('last');
    const [started] = status.execution_timeline.filter(({ event }) => event === 'DelayStarted');
    const [elapsed] = status.execution_timeline.filter(({ event }) => event === 'DelayElapsed');
    expect(
      Date.parse(elapsed?.timestamp ?? '') - Date.parse(started?.timestamp ?? ''),
    ).toBeGreaterThanOrEqual(50);
  });

  it('undoes newest first what a refusal leaves, with what each step answered', async () => {
    await bench.register('refused', [shopCall('a'), shopCall('b'), shopCall('c')]);
    at('/c', { status: 402, body: { message: 'card refused' } });
    const id = await bench.start('refused', 'refused-1');
    const status = await bench.ended(id);
    expect(status.workflow).toMatchObject({
      current_status: 'compensated',
      error_details: { step_name: 'c', error_message: expect.stringContaining('card refused') },
    });
    expect(bench.participants.of(id)).toEqual(['a', 'b', 'c', 'b:undo', 'a:undo']);
    const undo = bench.participants.seen.find(({ run, key }) => run === id && key === 'a:undo');
    expect(undo).toMatchObject({ path: '/undo/a', body: { id: 'h-1' } });
    expect(undo?.headers['downbeat-undoes']).toBe(`${id}:a`);
  });

  it('goes on without an optional step', async () => {
    await bench.register('optional', [shopCall('a', { optional: true }), shopCall('b')]);
    at('/a', { status: 404 });
    const id = await bench.start('optional', 'optional-1');
    const status = await bench.ended(id);
    expect(status.workflow.current_status).toBe('completed');
    expect(statusOf(status, 'a')).toBe('failed');
  });

  it('undoes a step whose connection breaks after its effect', async () => {
    await bench.register('broken', [shopCall('a'), shopCall('b')]);
    at('/b', 'breaks');
    const id = await bench.start('broken', 'broken-1');
    await bench.ended(id);
    expect(bench.participants.of(id)).toEqual(['a', 'b', 'b', 'b:undo', 'a:undo']);
  });

  it('undoes a step that does not answer in time, and calls it again before', async () => {
    await bench.register('silent', [shopCall('a', { timeout_seconds: 0.1 })]);
    at('/a', 'is-silent');
    const id = await bench.start('silent', 'silent-1');
    expect((await bench.ended(id)).workflow.current_status).toBe('compensated');
    expect(bench.participants.of(id)).toEqual(['a', 'a', 'a:undo']);
  });

  it('does not undo what was never reached', async () => {
    await bench.register('unreached', [shopCall('a', { service_name: 'closed' })]);
    await bench.register('unregistered', [shopCall('a', { service_name: 'nobody' })]);
    for (const name of ['unreached', 'unregistered']) {
      const id = await bench.start(name, `${name}-1`);
      expect((await bench.ended(id)).workflow.current_status).toBe('failed');
      expect(bench.participants.of(id)).toEqual([]);
    }
  });

  it('waits as long as a busy service says', async () => {
    const retry_policy = { max_retries: 2, initial_delay_ms: 1, max_delay_ms: 5_000 };
    await bench.register('busy', [shopCall('a', { retry_policy })]);
    bench.participants.react = ({ attempt }) =>
      attempt === 1 ? { status: 503, headers: { 'retry-after': '1' } } : { status: 200 };
    const id = await bench.start('busy', 'busy-1');
    const status = await bench.ended(id);
    const [first, second] = status.execution_timeline.filter(({ event }) =>
      ['StepStarted', 'StepRetried'].includes(event),
    );
    expect(
      Date.parse(second?.timestamp ?? '') - Date.parse(first?.timestamp ?? ''),
    ).toBeGreaterThanOrEqual(1_000);
    expect(bench.participants.of(id)).toEqual(['a', 'a']);
  });

  it('ends when its time is up', async () => {
    await bench.register('late', [
      shopCall('a'),
      { name: 'rest', type: 'delay', delay_seconds: 30 },
    ]);
    const id = await bench.start('late', 'late-1', { timeout_minutes: 0.005 });
    const status = await bench.ended(id);
    expect(status.workflow.current_status).toBe('compensated');
    expect(timeline(status)).toContain('WorkflowTimedOut');
  });

  it('takes an answer of the largest size, and says why it does not take a larger one', async () => {
    await bench.register('huge', [shopCall('a', { compensation_action: undefined })]);
    const answer = (bytes: number) => {
      at('/a', { status: 200, body: { id: 'x'.repeat(bytes - '{"id":""}'.length) } });
    };
    answer(PAYLOAD_BYTES_MAX);
    const fits = await bench.ended(await bench.start('huge', 'huge-1'));
    expect(fits.workflow.current_status).toBe('completed');

    answer(PAYLOAD_BYTES_MAX + 1);
    const id = await bench.start('huge', 'huge-2');
    const status = await bench.ended(id);
    expect(status.workflow).toMatchObject({
      current_status: 'failed',
      error_details: { step_name: 'a', error_message: TOO_LARGE, retry_count: 0 },
    });
    expect(status.execution_timeline).toContainEqual(
      expect.objectContaining({
        event: 'StepFailed',
        details: expect.objectContaining({ message: TOO_LARGE, outcome: 'unusable' }),
      }),
    );
    // It was done: asking again would bring the same.
    expect(bench.participants.of(id)).toEqual(['a']);
  });
  const TOO_LARGE = `the answer is larger than ${PAYLOAD_BYTES_MAX} bytes`;

  it('takes a refusal for what its status says, however much it says', async () => {
    await bench.register('loud', [shopCall('a', { retry_policy: { max_retries: 0 } })]);
    at('/a', { status: 409, body: 'x'.repeat(PAYLOAD_BYTES_MAX) });
    const status = await bench.ended(await bench.start('loud', 'loud-1'));
    expect(status.workflow).toMatchObject({ current_status: 'failed' });
    expect(status.steps[0]?.error_message).toMatch(/^HTTP 409: /);
  });

  it('takes what it is started with, told and edited up to a payload, and no more', async () => {
    await bench.register('given', [
      shopCall('a'),
      { name: 'told', type: 'wait_for_signal', signal: 'told' },
    ]);
    const textOf = (bytes: number) => ({ text: 'x'.repeat(bytes - '{"text":""}'.length) });
    const more = { context_data: textOf(PAYLOAD_BYTES_MAX + 1) };
    await expect(bench.start('given', 'given-1', more)).rejects.toThrow('context_data');
    const id = await bench.start('given', 'given-1', { context_data: textOf(PAYLOAD_BYTES_MAX) });
    await bench.until(id, ({ steps }) => steps[1]?.status === 'running');
    const say = (command: string, field: string, bytes: number) =>
      bench.command(command, id, {
        ...(command === 'SignalWorkflow' ? { signal: 'told' } : { retry_strategy: 'failed_steps' }),
        [field]: textOf(bytes),
      });
    for (const [command, field] of [
      ['SignalWorkflow', 'payload'],
      ['RetryWorkflow', 'context_patch'],
    ] as const)
      expect(await say(command, field, PAYLOAD_BYTES_MAX + 1)).toMatchObject({
        problem: { kind: 'invalid', errors: [{ field }] },
      });
    expect(await say('SignalWorkflow', 'payload', PAYLOAD_BYTES_MAX)).toMatchObject({
      accepted: true,
    });
    expect((await bench.ended(id)).workflow.current_status).toBe('completed');
  });

  it('shows a status that fits in an answer, however much it holds', async () => {
    const keep = { output_mapping: { kept: 'text' } };
    await bench.register(
      'bulky',
      ['a', 'b', 'c', 'd', 'e', 'f'].map((name) =>
        shopCall(name, name === 'a' ? keep : { input_mapping: { kept: 'kept' } }),
      ),
    );
    bench.participants.react = () => ({ status: 200, body: { text: 'x'.repeat(200_000) } });
    const id = await bench.start('bulky', 'bulky-1');
    const status = await bench.ended(id);
    expect(status.workflow).toMatchObject({ current_status: 'completed' });
    expect(status.steps[1]?.output_data).toMatchObject({ omitted_characters: expect.any(Number) });
  });
});

describe('a run that fans out', () => {
  it('does the same for each item and collects the answers in order', async () => {
    await bench.register('each', [
      {
        name: 'lines',
        type: 'map',
        items: 'order.lines',
        as: 'line',
        max_items: 20,
        concurrency: 3,
        steps: [
          shopCall('reserve', { input_mapping: { sku: 'line' }, output_mapping: { held: 'id' } }),
        ],
        collect: { held: 'held' },
      },
      shopCall('pay'),
    ]);
    const lines = Array.from({ length: 10 }, (_, index) => `sku-${index}`);
    bench.participants.react = ({ body }) => ({
      status: 200,
      body: { id: `held ${(body as { sku?: string }).sku ?? ''}` },
    });
    const id = await bench.start('each', 'each-1', { context_data: { order: { lines } } });
    const status = await bench.ended(id);
    expect(status.workflow.context_data['held']).toEqual(lines.map((sku) => `held ${sku}`));
    const keys = bench.participants.of(id);
    expect([...keys].sort()).toEqual([...lines.map((_, n) => `reserve#${n}`), 'pay'].sort());
    expect(keys.at(-1)).toBe('pay');
    expect(status.steps.map(({ step_name }) => step_name)).toContain('reserve#9');
  });

  it('undoes what some items did when one fails, newest first', async () => {
    await bench.register('partly', [
      {
        name: 'lines',
        type: 'map',
        items: '=[1, 2, 3]',
        max_items: 3,
        concurrency: 1,
        steps: [shopCall('reserve', { input_mapping: { n: 'item' } })],
      },
    ]);
    bench.participants.react = ({ key }) =>
      key === 'reserve#2' ? { status: 409 } : { status: 200, body: { id: key } };
    const id = await bench.start('partly', 'partly-1');
    expect((await bench.ended(id)).workflow.current_status).toBe('compensated');
    expect(bench.participants.of(id)).toEqual([
      'reserve#0',
      'reserve#1',
      'reserve#2',
      'reserve#1:undo',
      'reserve#0:undo',
    ]);
    const undo = bench.participants.seen.find(
      ({ run, key }) => run === id && key.endsWith('0:undo'),
    );
    expect(undo).toMatchObject({ body: { id: 'reserve#0' } });
  });

  it('takes the first branch of a race, and undoes the other before it goes on', async () => {
    await bench.register('first', [
      {
        name: 'offer',
        type: 'parallel',
        join: 'race',
        branches: [
          { name: 'slow', steps: [shopCall('slow', { output_mapping: { offer: 'id' } })] },
          { name: 'fast', steps: [shopCall('fast', { output_mapping: { offer: 'id' } })] },
        ],
      },
      shopCall('pay', { input_mapping: { offer: 'offer' } }),
    ]);
    bench.participants.react = async ({ key }) => {
      if (key === 'slow') await new Promise((resolve) => setTimeout(resolve, 100));
      return { status: 200, body: { id: `of ${key}` } };
    };
    const id = await bench.start('first', 'first-1');
    const status = await bench.ended(id);
    expect(status.workflow).toMatchObject({
      current_status: 'completed',
      context_data: { offer: 'of fast' },
    });
    expect(bench.participants.of(id).slice(-2)).toEqual(['slow:undo', 'pay']);
    expect(timeline(status)).toContain('RaceWon offer');
    expect(statusOf(status, 'slow')).toBe('compensated');
  });

  it('lets branches settle before it fails', async () => {
    await bench.register('settled', [
      {
        name: 'both',
        type: 'parallel',
        join: 'settle',
        branches: [
          { name: 'left', steps: [shopCall('bad')] },
          { name: 'right', steps: [shopCall('r1'), shopCall('r2')] },
        ],
      },
    ]);
    at('/bad', { status: 409 });
    const id = await bench.start('settled', 'settled-1');
    const status = await bench.ended(id);
    expect(status.workflow).toMatchObject({
      current_status: 'compensated',
      error_details: { step_name: 'bad' },
    });
    expect(bench.participants.of(id).slice(-3)).toEqual(['r2', 'r2:undo', 'r1:undo']);
    expect(statusOf(status, 'both')).toBe('failed');
  });
});

describe('a run over NATS', () => {
  const serve = (subject: string, reply: (body: string) => readonly [string, string?]) =>
    nats.subscribe(`${bench.prefix}.${subject}`, {
      callback: (fault, message) => {
        if (fault) return;
        const [body, code] = reply(message.string());
        const said = headers();
        if (code !== undefined) said.set('Nats-Service-Error-Code', code);
        if (code !== undefined) said.set('Nats-Service-Error', 'not today');
        message.respond(StringCodec().encode(body), { headers: said });
      },
    });

  it('asks a subject, and undoes when a service says that it failed', async () => {
    const asked: string[] = [];
    serve('shop.hold', (body) => (asked.push(`hold ${body}`), ['{"id":"n-1"}']));
    serve('shop.pay', () => ['', '409']);
    serve('shop.release', (body) => (asked.push(`release ${body}`), ['']));
    await nats.flush();
    const over = (name: string, subject: string, more: JsonObject = {}) => ({
      ...shopCall(name),
      endpoint: `nats:${subject}`,
      ...more,
    });
    await bench.register('natural', [
      over('hold', 'shop.hold', {
        input_mapping: { n: 'n' },
        compensation_action: {
          service_name: 'shop',
          endpoint: 'nats:shop.release',
          input_mapping: { id: 'output.id' },
        },
      }),
      over('pay', 'shop.pay'),
    ]);
    const id = await bench.start('natural', 'natural-1', { context_data: { n: 3 } });
    const status = await bench.ended(id);
    expect(status.workflow.error_details?.error_message).toContain('not today');
    expect(asked).toEqual(['hold {"n":3}', 'release {"id":"n-1"}']);
  });

  it('is not asked of the suite itself, which is said at registration', async () => {
    const definition = {
      steps: [shopCall('a'), { ...shopCall('b'), endpoint: 'nats:command.saga.StartWorkflow.x' }],
    };
    expect(
      await bench.command(
        'RegisterWorkflowDefinition',
        'deputy',
        definition as unknown as JsonObject,
      ),
    ).toMatchObject({
      accepted: false,
      problem: { kind: 'invalid', errors: [{ field: 'steps.1.endpoint' }] },
    });
  });

  it('fails for sure when nobody listens', async () => {
    await bench.register('alone', [{ ...shopCall('a'), endpoint: 'nats:nobody.listens' }]);
    const id = await bench.start('alone', 'alone-1');
    expect((await bench.ended(id)).workflow.current_status).toBe('failed');
  });
});

describe('a message id', () => {
  it('belongs to one start: another one is refused, and the same gets the first answer', async () => {
    await bench.register('keyed', [shopCall('a')]);
    const start = (more: JsonObject = {}) => {
      const body = { workflow_name: 'keyed', initiating_service: 'x', context_data: {}, ...more };
      return bench.command('StartWorkflow', 'keyed-1', body, 'key-1');
    };
    const first = await start();
    expect(first).toMatchObject({ accepted: true, repeated: false });
    for (const other of [{ context_data: { n: 2 } }, { workflow_name: 'nowhere' }])
      expect(await start(other)).toMatchObject({
        accepted: false,
        problem: {
          code: 'idempotency-key-reused',
          kind: 'conflict',
          errors: [{ field: 'Nats-Msg-Id' }],
        },
      });
    expect(await start()).toEqual({ ...first, repeated: true });
  });

  it('keeps the answer that it was given before payloads were looked at', async () => {
    await bench.register('before', [shopCall('a')]);
    const body = { workflow_name: 'before', initiating_service: 'x', context_data: {} };
    await bench.command('StartWorkflow', 'before-1', body, 'key-1');
    await bench.database.asOwner((owner) =>
      owner.query(
        `update log.command_answer set payload_hash = null where command_id like '%before-1 key-1'`,
      ),
    );
    const again = { ...body, context_data: {}, priority: 'normal' };
    expect(await bench.command('StartWorkflow', 'before-1', again, 'key-1')).toMatchObject({
      accepted: true,
      repeated: true,
    });
  });
});

describe('an operator', () => {
  it('compensates a run that has completed, and cannot do it twice', async () => {
    await bench.register('done', [shopCall('a'), shopCall('b')]);
    const id = await bench.start('done', 'done-1');
    await bench.ended(id);
    const outcome = await bench.command('CompensateWorkflow', id, { reason: 'changed mind' });
    expect(outcome).toMatchObject({
      accepted: true,
      answer: { workflow_id: id, status: 'compensating' },
    });
    await bench.until(id, ({ workflow }) => workflow.current_status === 'compensated');
    expect(bench.participants.of(id)).toEqual(['a', 'b', 'b:undo', 'a:undo']);
    const again = await bench.command('CompensateWorkflow', id, { reason: 'changed mind' });
    expect(again).toMatchObject({
      accepted: false,
      problem: { code: 'already-compensated', kind: 'conflict' },
    });
  });

  it('retries a failed run: what failed is called again under its key, what is done is not', async () => {
    await bench.register('failing', [shopCall('a'), shopCall('b')], {
      compensation_strategy: 'none',
    });
    at('/b', { status: 409 });
    const id = await bench.start('failing', 'failing-1');
    expect((await bench.ended(id)).workflow.current_status).toBe('failed');
    at('/b', { status: 200 });
    const outcome = await bench.command('RetryWorkflow', id, { retry_strategy: 'failed_steps' });
    expect(outcome).toMatchObject({ accepted: true });
    await bench.until(id, ({ workflow }) => workflow.current_status === 'completed');
    expect(bench.participants.of(id)).toEqual(['a', 'b', 'b']);
  });

  it('sees a parked undo, and lets it be tried again', async () => {
    await bench.register('parked', [shopCall('a'), shopCall('b')]);
    bench.participants.react = ({ path }) =>
      path === '/b' ? { status: 409 } : path === '/undo/a' ? { status: 404 } : { status: 200 };
    const id = await bench.start('parked', 'parked-1');
    await bench.until(id, ({ workflow }) => workflow.needs_attention);
    await eventuallyListed({ needs_attention: true, workflow_name: 'parked' }, [id]);
    bench.participants.react = () => ({ status: 200 });
    const outcome = await bench.command('RetryWorkflow', id, { retry_strategy: 'current_step' });
    expect(outcome).toMatchObject({ accepted: true });
    const status = await bench.ended(id);
    expect(status.workflow).toMatchObject({
      current_status: 'compensated',
      needs_attention: false,
    });
    expect(bench.participants.of(id)).toEqual(['a', 'b', 'a:undo', 'a:undo']);
  });

  it('is told when there is no such run', async () => {
    const id = '0198c2a4-7d1e-5c3b-9a52-3f1f0a9f3c11';
    const outcome = await bench.command('CompensateWorkflow', id, { reason: 'why not' });
    expect(outcome).toMatchObject({ problem: { code: 'workflow-unknown', kind: 'not-found' } });
    await expect(bench.status(id)).rejects.toThrow('workflow-unknown');
  });
});

describe('a step that publishes', () => {
  it('is one publication, with a number, that others hear', async () => {
    const heard: string[] = [];
    const subject = `${bench.prefix}.event.saga.WorkflowEventPublished.told-1`;
    nats.subscribe(subject, { callback: (_, message) => heard.push(message.string()) });
    await nats.flush();
    await bench.register('told', [
      shopCall('a', { output_mapping: { hold_id: 'id' } }),
      { name: 'tell', type: 'publish', event: 'order-held', payload: { hold: 'hold_id' } },
      shopCall('b'),
    ]);
    const id = await bench.start('told', 'told-1');
    await bench.ended(id);
    await eventually(async () => expect(heard).toHaveLength(1));
    expect(JSON.parse(heard[0] ?? '')).toEqual({
      workflow_id: id,
      correlation_id: 'told-1',
      workflow_name: 'told',
      step_name: 'tell',
      event: 'order-held',
      payload: { hold: 'h-1' },
    });
    const answer = await bench.bus.query('query.saga.publications', { after: 0, limit: 500 });
    const { publications } = (answer.ok && answer.data) as unknown as {
      publications: readonly { name: string; number: number }[];
    };
    const told = publications.filter(({ name }) => name === 'WorkflowEventPublished');
    expect(told).toMatchObject([{ number: expect.any(Number) }]);
  });
});

describe('a signal', () => {
  const approval = (more: JsonObject = {}) => ({
    name: 'approval',
    type: 'wait_for_signal',
    signal: 'approved',
    output_mapping: { approver: 'by' },
    ...more,
  });

  it('lets a run go on that waits for it, once for each command id', async () => {
    await bench.register('approved', [shopCall('a'), approval(), shopCall('b')]);
    const id = await bench.start('approved', 'approved-1');
    await bench.until(id, (status) => statusOf(status, 'approval') === 'running');
    const body = { signal: 'approved', payload: { by: 'finance' } };
    const outcome = await bench.command('SignalWorkflow', id, body, 'yes-1');
    expect(outcome).toMatchObject({ accepted: true, answer: { status: 'running' } });
    const status = await bench.ended(id);
    expect(status.workflow.context_data).toEqual({ approver: 'finance' });
    expect(bench.participants.of(id)).toEqual(['a', 'b']);
    const again = await bench.command('SignalWorkflow', id, body, 'yes-1');
    expect(again).toMatchObject({ accepted: true, answer: { status: 'running' } });
    const late = await bench.command('SignalWorkflow', id, body, 'yes-2');
    expect(late).toMatchObject({ problem: { code: 'workflow-ended', kind: 'conflict' } });
  });

  it('is kept when it comes early, and refused when nobody can ever want it', async () => {
    await bench.register('early', [shopCall('a'), approval(), shopCall('b')]);
    let answer: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    bench.participants.react = async ({ path }) => {
      if (path === '/a') await held;
      return { status: 200, body: { id: 'h-1' } };
    };
    const id = await bench.start('early', 'early-1');
    const wrong = await bench.command('SignalWorkflow', id, { signal: 'aproved' });
    expect(wrong).toMatchObject({ problem: { code: 'signal-unknown', kind: 'not-found' } });
    await bench.command('SignalWorkflow', id, { signal: 'approved', payload: { by: 'me' } });
    answer();
    const status = await bench.ended(id);
    expect(status.workflow.context_data).toEqual({ approver: 'me' });
    expect(timeline(status).slice(1, 6)).toEqual([
      'StepStarted a',
      'SignalReceived',
      'StepCompleted a',
      'SignalAwaited approval',
      'SignalTaken approval',
    ]);
  });

  it('that does not come in time is replaced by the default', async () => {
    await bench.register('untimely', [
      approval({ timeout_seconds: 0.1, default: { by: 'nobody' } }),
    ]);
    const id = await bench.start('untimely', 'untimely-1');
    expect((await bench.ended(id)).workflow.context_data).toEqual({ approver: 'nobody' });
  });
});

describe('starting', () => {
  it('the same run twice is one run, and another one under its id is refused', async () => {
    await bench.register('once', [shopCall('a')]);
    const body = { workflow_name: 'once', initiating_service: 't', context_data: { n: 1 } };
    const first = await bench.command('StartWorkflow', 'once-1', body, 'command-1');
    const sameCommand = await bench.command('StartWorkflow', 'once-1', body, 'command-1');
    const sameRun = await bench.command('StartWorkflow', 'once-1', body, 'command-2');
    const id = (first.accepted && String(first.answer['workflow_id'])) || '';
    expect([sameCommand, sameRun]).toMatchObject([
      { accepted: true, answer: { workflow_id: id } },
      { accepted: true, answer: { workflow_id: id } },
    ]);
    const other = await bench.command('StartWorkflow', 'once-1', {
      ...body,
      context_data: { n: 2 },
    });
    expect(other).toMatchObject({ problem: { code: 'correlation-id-taken', kind: 'conflict' } });
    await bench.ended(id);
    expect(bench.participants.of(id)).toEqual(['a']);
  });

  it('an unknown workflow names the field', async () => {
    const outcome = await bench.command('StartWorkflow', 'none-1', {
      workflow_name: 'none',
      initiating_service: 't',
      context_data: {},
    });
    expect(outcome).toMatchObject({
      problem: { kind: 'not-found', errors: [{ field: 'workflow_name' }] },
    });
  });
});

describe('a definition', () => {
  it('is never changed under its version; the latest is by semantic version', async () => {
    const versions = ['1.9.0', '1.10.0', '1.2.0'];
    for (const [index, version] of versions.entries())
      await bench.register('versioned', [shopCall(`step-${index}`)], { version });
    const changed = await bench.command('RegisterWorkflowDefinition', 'versioned', {
      version: '1.9.0',
      steps: [shopCall('other')],
    } as never);
    expect(changed).toMatchObject({ accepted: false, problem: { kind: 'conflict' } });
    await bench.register('versioned', [shopCall('step-0')], { version: '1.9.0' });

    const latest = await bench.start('versioned', 'versioned-1');
    expect((await bench.ended(latest)).workflow.workflow_version).toBe('1.10.0');
    const older = await bench.start('versioned', 'versioned-2', { workflow_version: '1.2.0' });
    await bench.ended(older);
    expect(bench.participants.of(older)).toEqual(['step-2']);

    await eventually(async () => {
      const { definitions } = await bench.definitions({ name: 'versioned' });
      expect(definitions.map(({ version, is_latest }) => [version, is_latest]).sort()).toEqual([
        ['1.10.0', true],
        ['1.2.0', false],
        ['1.9.0', false],
      ]);
    });
    const { definitions, next_cursor } = await bench.definitions({ limit: 2 });
    const rest = await bench.definitions({ limit: 200, cursor: next_cursor ?? '' });
    const names = [...definitions, ...rest.definitions].map(
      ({ name, version }) => `${name} ${version}`,
    );
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual([...names].sort());
  });

  it('that is not sound is refused with the place', async () => {
    const outcome = await bench.command('RegisterWorkflowDefinition', 'unsound', {
      steps: [shopCall('a', { next: 'nowhere' })],
    } as never);
    expect(outcome).toMatchObject({
      problem: { kind: 'invalid', errors: [{ field: 'steps.0.next' }] },
    });
  });
});

describe('reading', () => {
  it('a run as it was at a position and at a time', async () => {
    await bench.register('past', [shopCall('a'), shopCall('b')]);
    const id = await bench.start('past', 'past-1');
    await bench.ended(id);
    const stream = await bench.database.store('saga').load(`workflow-${id}` as never);
    const completed = stream.find(({ type }) => type === 'StepCompleted');
    const before = await bench.status(id, { at: (completed?.position ?? 0) - 1 });
    expect([before.workflow.current_status, statusOf(before, 'a')]).toEqual(['running', 'running']);
    const then = await bench.status(id, { at: completed?.recorded_at ?? '' });
    expect(statusOf(then, 'a')).toBe('completed');
    await expect(bench.status(id, { at: '2001-01-01T00:00:00Z' })).rejects.toThrow(
      'workflow-unknown',
    );
  });

  it('lists by filters, newest first, page by page', async () => {
    await bench.register('listed', [shopCall('a')]);
    const ids: string[] = [];
    for (let n = 1; n <= 5; n++)
      ids.unshift(
        await bench.start('listed', `listed-${n}`, { wedding_id: n > 3 ? 'w-1' : 'w-2' }),
      );
    for (const id of ids) await bench.ended(id);
    await eventuallyListed({ workflow_name: 'listed', status: 'completed' }, ids);
    await eventuallyListed({ wedding_id: 'w-1' }, ids.slice(0, 2));
    await eventuallyListed({ correlation_id: 'listed-2' }, ids.slice(3, 4));
    await eventuallyListed({ workflow_name: 'listed', status: 'failed' }, []);

    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await bench.list({
        workflow_name: 'listed',
        limit: 2,
        ...(cursor ? { cursor } : {}),
      });
      seen.push(...page.workflows.map(({ id }) => id));
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(ids);
    const { status_summary } = await bench.list();
    expect(status_summary.completed).toBeGreaterThanOrEqual(5);
  });

  it('how the engine is', async () => {
    const status = await bench.ask('engine-status', {});
    expect(status).toMatchObject({ is_sure: true, troubled_runs: 0, troubles: [] });
    const { url } = bench.replicas[0] ?? { url: '' };
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('downbeat_saga_troubled_runs');
  });
});

async function eventually(assertion: () => Promise<void>): Promise<void> {
  for (const deadline = Date.now() + 8_000; ;) {
    try {
      return await assertion();
    } catch (fault) {
      if (Date.now() > deadline) throw fault;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const eventuallyListed = (input: JsonObject, ids: readonly string[]) =>
  eventually(async () =>
    expect((await bench.list(input)).workflows.map(({ id }) => id)).toEqual(ids),
  );
