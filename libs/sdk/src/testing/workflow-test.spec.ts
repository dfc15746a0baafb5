import { answers, breaksOff, DefinitionRefused, givenWorkflow, isDown, isSilent, refuses } from '.';

const undo = (service_name: string) => ({
  compensation_action: {
    service_name,
    endpoint: '/undo',
    input_mapping: { id: 'output.id' },
    retry_policy: { max_retries: 1, initial_delay_ms: 100, jitter: 0 },
  },
});
const step = (name: string, more: object = {}) => ({
  name,
  type: 'service_call',
  service_name: name,
  endpoint: `/${name}`,
  timeout_seconds: 5,
  retry_policy: { max_retries: 2, initial_delay_ms: 1_000, backoff_multiplier: 2, jitter: 0 },
  ...undo(name),
  ...more,
});
const booking = givenWorkflow({
  name: 'book',
  timeout_minutes: 10,
  steps: [
    step('hold', { input_mapping: { day: 'day' }, output_mapping: { hold_id: 'id' } }),
    {
      name: 'large',
      type: 'decision',
      cases: [{ when: 'amount > 100', goto: 'rest' }],
      default: 'pay',
    },
    { name: 'rest', type: 'delay', delay_seconds: 60 },
    step('pay', { input_mapping: { hold: 'hold_id' } }),
  ],
}).with({ day: 'monday', amount: 50 });

describe('a test of a workflow', () => {
  it('plays it with services that answer', () => {
    const run = booking.when({ hold: answers({ id: 'h-1' }) }).play();
    expect(run).toMatchObject({
      status: 'completed',
      reason: undefined,
      context: { day: 'monday', hold_id: 'h-1' },
      called: ['hold', 'pay'],
      completed: ['hold', 'pay'],
      undone: [],
      elapsedMs: 0,
    });
    expect(run.calls[1]).toMatchObject({ endpoint: '/pay', input: { hold: 'h-1' }, attempt: 1 });
    expect(run.timeline.at(-1)).toBe('WorkflowCompleted');
  });

  it('lets virtual time pass: delays, retries, slow answers', () => {
    const { elapsedMs, calls } = booking
      .with({ amount: 500 })
      .when({ hold: [isDown(), refuses(503), answers({}, { afterMs: 40 })] })
      .play();
    expect(calls.map(({ step: name, atMs }) => [name, atMs])).toEqual([
      ['hold', 0],
      ['hold', 1_000],
      ['hold', 3_000],
      ['pay', 63_040],
    ]);
    expect(elapsedMs).toBe(63_040);
  });

  it('shows what is undone, and that nobody knows of a silent service', () => {
    const silent = booking.when({ hold: answers({ id: 'h-1' }), pay: isSilent() }).play();
    expect(silent).toMatchObject({ status: 'compensated', undone: ['pay', 'hold'] });
    expect(silent.elapsedMs).toBe(3 * 5_000 + 1_000 + 2_000);
    const refused = booking.when({ pay: refuses(402, 'no funds') }).play();
    expect(refused).toMatchObject({ status: 'compensated', undone: ['hold'] });
    expect(refused.reason).toBe('pay failed: HTTP 402: no funds');
    expect(booking.when({ pay: breaksOff() }).play().undone).toEqual(['pay', 'hold']);
    expect(booking.when({ pay: isDown() }).play().undone).toEqual(['hold']);
  });

  it('takes an answer that comes after the time-out for none', () => {
    const late = booking.when({ hold: answers({ id: 1 }, { afterMs: 5_001 }) }).play();
    expect(late).toMatchObject({ status: 'compensated', undone: ['hold'], completed: [] });
  });

  it('plays a sub-workflow as its script says: its final context, or that it failed', () => {
    const sub = { name: 'sub', type: 'sub_workflow', workflow_name: 'other' };
    const nested = givenWorkflow({
      name: 'nested',
      steps: [{ ...sub, output_mapping: { id: 'id' } }, step('pay')],
    });
    const done = nested.when({ sub: answers({ id: 'o-1' }, { afterMs: 500 }) }).play();
    expect(done).toMatchObject({ status: 'completed', context: { id: 'o-1' }, elapsedMs: 500 });
    const undone = nested.when({ pay: refuses(409) }).play();
    expect(undone).toMatchObject({ status: 'compensated', undone: ['sub'] });
    expect(nested.when({ sub: refuses(409) }).play()).toMatchObject({ status: 'failed' });
  });

  it('plays the workflow that stands for a step, when its test is given', () => {
    const pay = givenWorkflow({
      name: 'pay',
      steps: [
        { name: 'rest', type: 'delay', delay_seconds: 3 },
        step('charge', { input_mapping: { amount: 'amount' }, output_mapping: { id: 'id' } }),
      ],
    });
    const sub = { name: 'sub', type: 'sub_workflow', workflow_name: 'pay' };
    const nested = givenWorkflow({
      name: 'nested',
      steps: [
        { ...sub, input_mapping: { amount: 'total' }, output_mapping: { charge: 'id' } },
        step('tell'),
      ],
    }).with({ total: 7 });
    const done = nested.when({ sub: pay.when({ charge: answers({ id: 'c-1' }) }) }).play();
    expect(done).toMatchObject({ status: 'completed', context: { charge: 'c-1' } });
    expect(done.elapsedMs).toBe(3_000);
    expect(done.children).toMatchObject([{ step: 'sub', run: { called: ['charge'] } }]);
    expect(done.children[0]?.run.calls[0]?.input).toEqual({ amount: 7 });
    const failed = nested.when({ sub: pay.when({ charge: refuses(402, 'no funds') }) }).play();
    expect(failed.reason).toBe(
      'sub failed: the sub-workflow is failed: charge failed: HTTP 402: no funds',
    );
    expect(() => nested.when({ tell: pay })).toThrow('is answered by a service');
    expect(() => nested.when({ 'sub:undo': pay })).toThrow(RangeError);
  });

  it('plays each item of a map as is said of it, or of its step', () => {
    const each = givenWorkflow({
      name: 'each',
      steps: [
        {
          name: 'all',
          type: 'map',
          items: 'orders',
          concurrency: 1,
          join: 'settle',
          steps: [step('reserve', { output_mapping: { id: 'id' } })],
          collect: { ids: 'id' },
        },
      ],
    }).with({ orders: ['x', 'y', 'z'] });
    const run = each
      .when({ reserve: answers({ id: 1 }), 'reserve#1': [refuses(503), answers({ id: 2 })] })
      .play();
    expect(run).toMatchObject({ status: 'completed', context: { ids: [1, 2, 1] } });
    expect(run.called).toEqual(['reserve#0', 'reserve#1', 'reserve#1', 'reserve#2']);
    const undone = each.when({ 'reserve#1': refuses(409), 'reserve#0:undo': refuses(500) }).play();
    expect(undone).toMatchObject({ status: 'parked', undone: ['reserve#2'] });
    for (const name of ['reserve#0.1', 'reserve#', 'reserve#x', 'all#0'])
      expect(() => each.when({ [name]: answers() })).toThrow(RangeError);
    expect(() => booking.when({ 'hold#0': answers() })).toThrow('book never calls hold#0');
  });

  it('sends signals when it is said, early or late', () => {
    const approving = givenWorkflow({
      name: 'approving',
      steps: [
        step('hold'),
        {
          name: 'approval',
          type: 'wait_for_signal',
          signal: 'approved',
          timeout_seconds: 60,
          default: { by: 'nobody' },
          output_mapping: { by: '=output.by' },
        },
      ],
    });
    const early = approving
      .when({ hold: answers({}, { afterMs: 2_000 }) })
      .signalled('approved', { by: 'ops' });
    expect(early.play()).toMatchObject({ context: { by: 'ops' }, elapsedMs: 2_000 });
    const late = approving.signalled('approved', { by: 'ops' }, { afterMs: 61_000 }).play();
    expect(late).toMatchObject({ context: { by: 'nobody' }, elapsedMs: 60_000 });
    expect(late.refusedSignals).toEqual([]);
    const better = approving
      .signalled('approved', {}, { afterMs: 10 })
      .signalled('approved', { by: 'cfo' }, { afterMs: 20 })
      .play();
    expect(better).toMatchObject({ context: { by: 'cfo' }, elapsedMs: 20 });
    expect(better.refusedSignals).toMatchObject([{ code: 'signal-unusable', atMs: 10 }]);
    expect(() => approving.signalled('rejected')).toThrow('never waits for rejected');
  });

  it('shows an undo that keeps failing', () => {
    const run = booking.when({ pay: refuses(409), 'hold:undo': refuses(500) }).play();
    expect(run.status).toBe('parked');
    expect(run.called).toEqual(['hold', 'pay', 'hold:undo', 'hold:undo']);
  });

  it('is the same each time, and can be gone on from', () => {
    const paid = booking.when({ pay: answers({ receipt: 1 }) });
    expect(paid.play()).toEqual(paid.play());
    expect(paid.when({ hold: refuses(409) }).play().status).toBe('failed');
    expect(paid.play().status).toBe('completed');
    expect(booking.whenNothingIsSaid(refuses(404)).play().called).toEqual(['hold']);
  });

  it.each(['book', 'large', 'hold:redo', 'hold:undo:undo', '__proto__'])(
    'refuses a script for %s, which is never called',
    (name) => expect(() => booking.when({ [name]: answers() })).toThrow(RangeError),
  );

  it('refuses a definition as the suite would', () => {
    const loop = { name: 'loop', steps: [step('a', { next: 'a' })] };
    expect(() => givenWorkflow(loop)).toThrow(DefinitionRefused);
    expect(() => givenWorkflow({ name: 'no steps' })).toThrow(/^name must be/);
  });
});
