import type { Instant, JsonObject } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { BEGIN as at, call, compiled, delay, Player, RUN_ID } from '../testing';
import type { CallResult, RunCommand } from './commands';
import { runDecider } from './decide';
import type { RunEvent } from './events';

const definition = compiled([
  call('hold', {
    input_mapping: { venue: 'order.venue', total: '=order.price * 2' },
    output_mapping: { hold_id: 'id' },
  }),
  {
    name: 'is-large',
    type: 'decision',
    cases: [{ when: 'order.price > 100', goto: 'wait' }],
    default: 'pay',
  },
  delay('wait', 60),
  call('pay', { input_mapping: { hold: 'hold_id' }, conditions: 'order.price > 0' }),
]);
const { given } = specification(runDecider(definition));

const order = (price: number): JsonObject => ({ order: { venue: 'v1', price } });
const start = (price = 10, more: object = {}): RunCommand => ({
  type: 'StartWorkflow',
  at,
  workflow_id: RUN_ID,
  checksum: 'c0ffee',
  rules: undefined,
  data: {
    workflow_name: 'book',
    correlation_id: 'order-4711',
    initiating_service: 'shop',
    context_data: order(price) as never,
    ...more,
  },
});
const answer = (step: string, result: CallResult, attempt = 1): RunCommand => ({
  type: 'CallAnswered',
  at,
  chance: 0.5,
  data: { purpose: 'step', step, attempt, result, reissued: false },
});
const ok = (output: JsonObject = {}): CallResult => ({ kind: 'ok', output });

const started = (price = 10): RunEvent => ({
  type: 'WorkflowStarted',
  data: {
    workflow_id: RUN_ID,
    workflow_name: 'book',
    workflow_version: '1.0.0',
    checksum: 'c0ffee',
    correlation_id: 'order-4711',
    initiating_service: 'shop',
    context_data: order(price),
    compensation_strategy: 'all',
    timeout_at: '2026-03-01T10:30:00.000Z' as Instant,
    total_steps: 4,
    at,
  },
});
const holding = (price = 10): RunEvent => ({
  type: 'StepStarted',
  data: { step: 'hold', place: 1, input: { venue: 'v1', total: price * 2 }, attempt: 1, at },
});
const held: RunEvent = {
  type: 'StepCompleted',
  data: {
    step: 'hold',
    attempt: 1,
    reissued: false,
    output: { id: 'h1' },
    context: { hold_id: 'h1' },
    at,
  },
};
const small: RunEvent = {
  type: 'DecisionTaken',
  data: { step: 'is-large', place: 2, goto: 'pay', input: { 'order.price': 10 }, at },
};
const large: RunEvent = {
  type: 'DecisionTaken',
  data: {
    step: 'is-large',
    place: 2,
    case: 0,
    when: 'order.price > 100',
    goto: 'wait',
    input: { 'order.price': 200 },
    at,
  },
};
const paying: RunEvent = {
  type: 'StepStarted',
  data: { step: 'pay', place: 4, input: { hold: 'h1' }, attempt: 1, at },
};

describe('a run', () => {
  it('begins its first step with the start', () =>
    given().when(start()).then(started(), holding()));

  it('decides and begins the next call together with an answer', () =>
    given(started(), holding())
      .when(answer('hold', ok({ id: 'h1' })))
      .then(held, small, paying));

  it('ends together with the last answer', () =>
    given(started(), holding(), held, small, paying)
      .when(answer('pay', ok({ paid: true })))
      .then(
        {
          type: 'StepCompleted',
          data: {
            step: 'pay',
            attempt: 1,
            reissued: false,
            output: { paid: true },
            context: {},
            at,
          },
        },
        { type: 'WorkflowCompleted', data: { at } },
      ));

  it('takes the first case that holds, and says which values it read', () =>
    given(started(200), holding(200))
      .when(answer('hold', ok({ id: 'h1' })))
      .then(held, large, {
        type: 'DelayStarted',
        data: { step: 'wait', place: 3, until: '2026-03-01T09:31:00.000Z' as Instant, at },
      }));

  describe('that waits', () => {
    const until = '2026-03-01T09:31:00.000Z' as Instant;
    const waiting: RunEvent = {
      type: 'DelayStarted',
      data: { step: 'wait', place: 3, until, at },
    };

    it('goes on after the delay', () =>
      given(started(200), holding(200), held, large, waiting)
        .when({ type: 'TimerDue', at: until, data: { timer_id: 'delay:wait' } })
        .then(
          { type: 'DelayElapsed', data: { step: 'wait', at: until } },
          { ...paying, data: { ...paying.data, at: until } },
        ));

    it.each(['delay:wait', 'timeout'])('is not woken by %s before it is due', (timer_id) =>
      given(started(200), holding(200), held, large, waiting)
        .when({ type: 'TimerDue', at, data: { timer_id } })
        .thenNothing(),
    );
  });

  it('skips a step whose condition is false', () =>
    given(started(0), holding(0))
      .when(answer('hold', ok({ id: 'h1' })))
      .then(
        held,
        {
          type: 'DecisionTaken',
          data: { step: 'is-large', place: 2, goto: 'pay', input: { 'order.price': 0 }, at },
        },
        {
          type: 'StepSkipped',
          data: {
            step: 'pay',
            place: 4,
            reason: 'condition',
            input: { 'order.price': 0 },
            goto: 'end',
            at,
          },
        },
        { type: 'WorkflowCompleted', data: { at } },
      ));

  it('leaves out of the context what the answer lacks', () =>
    given(started(), holding())
      .when(answer('hold', ok({})))
      .then({ ...held, data: { ...held.data, output: {}, context: {} } } as RunEvent, small, {
        ...paying,
        data: { ...paying.data, input: {} },
      } as RunEvent));

  it('asked to start again in the same words, is the same run', () =>
    given(started(), holding()).when(start()).thenNothing());

  it.each([
    ['other data', start(11)],
    ['another version', start(10, { workflow_version: '2.0.0' })],
    ['another initiator', start(10, { initiating_service: 'other' })],
    ['another time-out', start(10, { timeout_minutes: 1 })],
  ])('is not started again with %s', (_, command) =>
    given(started(), holding()).when(command).thenRejected('correlation-id-taken'),
  );

  it('takes its time-out from the start when it names one', () => {
    const player = new Player(definition).start(order(1), { timeout_minutes: 0.5 });
    expect(player.outstanding.get('timeout')).toMatchObject({ due: '2026-03-01T09:30:30.000Z' });
  });

  it.each<[string, RunCommand]>([
    ['of an attempt that was not made', answer('hold', ok(), 2)],
    ['of a step that was not begun', answer('pay', ok())],
    ['of a step that does not exist', answer('nonsense', ok())],
    [
      'of an undo that was not begun',
      {
        type: 'CallAnswered',
        at,
        chance: 0,
        data: { purpose: 'undo', step: 'hold', attempt: 1, result: ok(), reissued: false },
      },
    ],
  ])('takes no notice of an answer %s', (_, command) =>
    given(started(), holding()).when(command).thenNothing(),
  );

  it('takes no notice of an answer that comes again', () =>
    given(started(), holding(), held, small, paying).when(answer('hold', ok())).thenNothing());

  it.each(['delay:wait', 'retry:hold:1', 'undo:hold:1', 'nonsense', ''])(
    'takes no notice of the timer %j, which was not set',
    (timer_id) =>
      given(started(), holding()).when({ type: 'TimerDue', at, data: { timer_id } }).thenNothing(),
  );

  it.each<RunCommand>([
    answer('hold', ok()),
    { type: 'TimerDue', at, data: { timer_id: 'timeout' } },
    { type: 'CompensateWorkflow', at, data: { workflow_id: RUN_ID, reason: 'x' } },
    { type: 'RetryWorkflow', at, data: { workflow_id: RUN_ID, retry_strategy: 'failed_steps' } },
  ])('must have begun before $type', (command) =>
    given().when(command).thenRejected('workflow-unknown'),
  );

  it('is decided by its own definition only', () => {
    const player = new Player(definition).start(order(1));
    const other = runDecider(compiled([call('a')], { version: '2.0.0' }));
    expect(() => other.decide(answer('hold', ok()), player.state)).toThrow(/goes by book 1\.0\.0/);
  });
});

describe('a run of decisions only', () => {
  const decisions = compiled([
    { name: 'a', type: 'decision', cases: [{ when: 'n > 1', goto: 'c' }] },
    { name: 'b', type: 'delay', delay_seconds: 0 },
    { name: 'c', type: 'decision', cases: [{ when: 'n > 2', goto: 'end' }] },
  ]);

  it.each([1, 2, 3])('completes in its first append (n = %i)', (n) => {
    const player = new Player(decisions).start({ n });
    expect(player.status).toBe('completed');
    expect(player.appends).toHaveLength(1);
    expect([...player.outstanding.keys()]).toEqual(['ended']);
  });

  it('sets no timer for a delay of nothing', () => {
    const player = new Player(
      compiled([{ name: 'a', type: 'delay', delay_seconds: 0 }, call('b')]),
    ).start();
    expect(player.timers).toEqual(['timeout']);
  });

  it('fails when an expression cannot be evaluated', () => {
    const player = new Player(decisions).start({});
    expect(player.status).toBe('failed');
    expect(player.events.at(-1)).toMatchObject({
      type: 'WorkflowFailed',
      data: { step: 'a', reason: 'a failed: case 0: Unknown variable: n' },
    });
  });

  it('does not take a condition that fails for a false one', () => {
    const conditional = compiled([call('a', { conditions: 'order.price > 1' })]);
    const player = new Player(conditional).start({ order: {} });
    expect(player.events.map(({ type }) => type)).toEqual([
      'WorkflowStarted',
      'StepFailed',
      'WorkflowFailed',
    ]);
  });

  it('fails on a condition that gives no truth value', () => {
    const player = new Player(compiled([call('a', { conditions: 'n' })])).start({ n: 1 });
    expect(player.status).toBe('failed');
  });
});
