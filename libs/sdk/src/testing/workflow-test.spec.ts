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
