import {
  call,
  compiled,
  delay,
  fixedCall,
  joining,
  parallel,
  Player,
  signalWait,
} from '../testing';
import { progressOf } from './progress';
import { evolveRunView, stepRows, type RunView } from './run-view';
import { timelineEntry } from './timeline';

const definition = compiled([
  call('a', { output_mapping: { a_id: 'id' } }),
  { name: 'd', type: 'decision', cases: [{ when: 'a_id == 1', goto: 'p' }] },
  call('skipped'),
  parallel('p', [call('b'), call('c')], [delay('wait', 60)]),
  call('e'),
]);

function viewOf(player: Player): RunView {
  const view = player.events.reduce<RunView | undefined>(evolveRunView, undefined);
  if (!view) throw new Error('no view');
  return view;
}
const statuses = (player: Player) =>
  Object.fromEntries(
    stepRows(viewOf(player), definition).map(({ step_name, status }) => [step_name, status]),
  );

describe('the view of a run', () => {
  it('follows a run to its end', () => {
    const player = new Player(definition).start({ order: 1 });
    expect(viewOf(player)).toMatchObject({
      current_status: 'running',
      current_step: 1,
      total_steps: 8,
      progress_percentage: 0,
      context_data: { order: 1 },
      timeout_at: '2026-03-01T10:30:00.000Z',
    });
    player.now += 1_500;
    player.ok('a', { id: 1 });
    expect(viewOf(player)).toMatchObject({ current_step: 5, context_data: { order: 1, a_id: 1 } });
    expect(statuses(player)).toEqual({
      a: 'completed',
      d: 'completed',
      skipped: 'pending',
      p: 'running',
      b: 'running',
      c: 'pending',
      wait: 'running',
      e: 'pending',
    });
    expect(stepRows(viewOf(player), definition)[0]).toEqual({
      id: '0198c2a4-7d1e-5c3b-9a52-3f1f0a9f3c11:a',
      step_name: 'a',
      step_type: 'service_call',
      step_order: 1,
      service_name: 'a',
      status: 'completed',
      input_data: {},
      output_data: { id: 1 },
      started_at: '2026-03-01T09:30:00.000Z',
      completed_at: '2026-03-01T09:30:01.500Z',
      duration_ms: 1_500,
      retry_count: 0,
    });
    player.due('delay:wait');
    player.ok('b');
    player.ok('c');
    expect(viewOf(player)).toMatchObject({ current_step: 8, progress_percentage: 87 });
    player.ok('e');
    expect(viewOf(player)).toMatchObject({
      current_status: 'completed',
      current_step: 8,
      progress_percentage: 100,
      completed_at: '2026-03-01T09:31:01.500Z',
      duration_ms: 61_500,
    });
    expect(statuses(player)).toMatchObject({ skipped: 'skipped', e: 'completed' });
  });

  it('shows a failure, what is undone, and who has to act', () => {
    const player = new Player(definition).start();
    player.ok('a', { id: 1 });
    player.due('delay:wait');
    player.status4xx('b');
    expect(statuses(player)).toMatchObject({
      a: 'compensating',
      p: 'failed',
      b: 'failed',
      wait: 'completed',
    });
    expect(viewOf(player)).toMatchObject({
      current_status: 'compensating',
      current_step: 7,
      error_details: { step_name: 'b', error_message: 'HTTP 409: no', retry_count: 0 },
      needs_attention: false,
    });
    player.status4xx('a:undo', 410);
    expect(viewOf(player)).toMatchObject({
      needs_attention: true,
      incident: { step_name: 'a', kind: 'undo_failed', message: 'HTTP 410: no', attempts: 1 },
      error_details: { step_name: 'b', error_message: 'HTTP 409: no' },
    });
    player.retry();
    expect(viewOf(player).needs_attention).toBe(false);
    player.ok('a:undo');
    expect(viewOf(player)).toMatchObject({
      current_status: 'compensated',
      completed_at: player.at,
    });
    expect(statuses(player)).toMatchObject({ a: 'compensated', b: 'failed', c: 'skipped' });
  });

  it('says why any run failed, also one that an operator ended', () => {
    const player = new Player(compiled([fixedCall('a')])).start();
    player.status4xx('a');
    expect(viewOf(player).error_details).toMatchObject({ step_name: 'a' });
    player.retry();
    expect(viewOf(player).error_details).toBeUndefined();
    player.compensate();
    player.timeout('a');
    expect(viewOf(player)).toMatchObject({
      current_status: 'failed',
      error_details: { step_name: 'a', error_message: 'no answer within 30 s' },
    });
    const stopped = new Player(compiled([signalWait('go')])).start();
    stopped.compensate();
    expect(viewOf(stopped).error_details).toEqual({
      step_name: '',
      error_message: 'the customer cancelled',
      retry_count: 0,
    });
  });

  it('blames nothing for a branch that failed while its race is won', () => {
    const player = new Player(
      compiled([
        joining('race', 'p', [call('a')], [call('b')]),
        joining('settle', 's', [call('c')]),
      ]),
    ).start();
    player.status4xx('a');
    player.ok('b');
    expect(viewOf(player).error_details).toBeUndefined();
    player.status4xx('c', 402);
    expect(viewOf(player).error_details).toMatchObject({
      step_name: 'c',
      error_message: 'HTTP 402: no',
    });
  });

  it('clears the error of a run that goes on', () => {
    const once = compiled([call('a')]);
    const player = new Player(once).start();
    player.status4xx('a');
    expect(viewOf(player)).toMatchObject({ current_status: 'failed', completed_at: player.at });
    player.retry();
    const going = viewOf(player);
    expect(going).not.toHaveProperty('error_details');
    expect(going).not.toHaveProperty('completed_at');
    expect(going.steps).toMatchObject([{ status: 'running', retry_count: 1 }]);
    expect(going.steps[0]).not.toHaveProperty('error_message');
  });

  it('shows a group as going on again after a retry', () => {
    const group = compiled([parallel('p', [call('a')], [call('b')])], {
      compensation_strategy: 'none',
    });
    const player = new Player(group).start();
    player.ok('b');
    player.status4xx('a');
    expect(viewOf(player).steps).toMatchObject([{ step_name: 'p', status: 'failed' }, {}, {}]);
    player.retry();
    expect(viewOf(player).steps).toMatchObject([{ step_name: 'p', status: 'running' }, {}, {}]);
    player.ok('a');
    expect(viewOf(player).steps).toMatchObject([{ step_name: 'p', status: 'completed' }, {}, {}]);
  });

  it('shows steps that were skipped or never called', () => {
    const player = new Player(
      compiled([
        call('a', { conditions: 'false' }),
        call('b', { input_mapping: { x: '=missing' } }),
      ]),
    ).start();
    expect(viewOf(player).steps).toMatchObject([
      { step_name: 'a', status: 'skipped' },
      {
        step_name: 'b',
        status: 'failed',
        error_message: 'input_mapping: x: Unknown variable: missing',
      },
    ]);
  });

  it('says that a workflow timed out', () => {
    const player = new Player(compiled([delay('a', 60)])).start();
    player.due('timeout');
    expect(viewOf(player)).toMatchObject({
      current_status: 'failed',
      error_details: { step_name: '', error_message: 'the workflow timed out' },
    });
    expect(viewOf(player).steps).toMatchObject([{ status: 'skipped' }]);
  });
});

describe('progress', () => {
  it('begins at nothing', () =>
    expect(progressOf(new Player(definition).state)).toEqual({
      current_step: 0,
      total_steps: 0,
      progress_percentage: 0,
    }));

  it('counts steps a decision jumped over', () => {
    const player = new Player(definition).start();
    player.ok('a', { id: 1 });
    expect(progressOf(player.state)).toEqual({
      current_step: 5,
      total_steps: 8,
      progress_percentage: 50,
    });
    player.due('delay:wait');
    expect(progressOf(player.state).progress_percentage).toBe(62);
  });
});

describe('the timeline', () => {
  it('tells what happened, without the bulk', () => {
    const player = new Player(definition).start({ order: 1 });
    player.ok('a', { id: 1 });
    expect(player.events.slice(0, 4).map(timelineEntry)).toEqual([
      {
        timestamp: player.at,
        event: 'WorkflowStarted',
        step_name: '',
        details: expect.objectContaining({
          correlation_id: 'order-4711',
          total_steps: 8,
        }) as object,
      },
      {
        timestamp: player.at,
        event: 'StepStarted',
        step_name: 'a',
        details: { input: {}, attempt: 1 },
      },
      {
        timestamp: player.at,
        event: 'StepCompleted',
        step_name: 'a',
        details: { attempt: 1, reissued: false },
      },
      {
        timestamp: player.at,
        event: 'DecisionTaken',
        step_name: 'd',
        details: { case: 0, when: 'a_id == 1', goto: 'p', input: { a_id: 1 } },
      },
    ]);
  });
});

describe('a step that waits for a signal', () => {
  const waiting = compiled([
    signalWait('approval', {
      timeout_seconds: 60,
      default: { ok: false },
      output_mapping: { ok: 'ok' },
    }),
    call('b'),
  ]);
  const rowOf = (player: Player) => stepRows(viewOf(player), waiting)[0];

  it('shows what it waits for and until when, then what it got', () => {
    const player = new Player(waiting).start();
    expect(rowOf(player)).toMatchObject({
      step_type: 'wait_for_signal',
      status: 'running',
      input_data: { signal: 'approval', until: '2026-03-01T09:31:00.000Z' },
    });
    player.signal('approval', { ok: true, by: 'finance' });
    expect(rowOf(player)).toMatchObject({
      status: 'completed',
      output_data: { ok: true, by: 'finance' },
    });
    expect(viewOf(player)).toMatchObject({ context_data: { ok: true }, current_step: 2 });
    const [, , received] = player.events.map(timelineEntry);
    expect(received).toMatchObject({
      event: 'SignalReceived',
      step_name: '',
      details: { signal: 'approval' },
    });
  });

  it('shows the default it went on with', () => {
    const player = new Player(waiting).start();
    player.due('signal:approval');
    expect(rowOf(player)).toMatchObject({ status: 'completed', output_data: { ok: false } });
  });
});

describe('a step inside a map', () => {
  const mapped = compiled([
    {
      name: 'each',
      type: 'map',
      items: 'rows',
      concurrency: 1,
      steps: [call('a', { output_mapping: { id: 'id' } }), call('b')],
      collect: { ids: 'id' },
    },
    call('c'),
  ]);

  it('is shown once per item, and its own context to nobody', () => {
    const player = new Player(mapped).start({ rows: [1, 2] });
    player.ok('a#0', { id: 7 });
    const shown = stepRows(viewOf(player), mapped);
    expect(shown.map(({ step_name, status }) => [step_name, status])).toEqual([
      ['each', 'running'],
      ['a#0', 'completed'],
      ['b#0', 'running'],
      ['c', 'pending'],
    ]);
    expect(shown[1]).toMatchObject({ id: expect.stringMatching(/:a#0$/), step_order: 2 });
    expect(viewOf(player).context_data).toEqual({ rows: [1, 2] });
    player.ok('b#0');
    expect(viewOf(player)).toMatchObject({ current_step: 2, total_steps: 4 });
    for (const address of ['a#1', 'b#1']) player.ok(address);
    expect(viewOf(player).context_data).toEqual({ rows: [1, 2], ids: [7, null] });
    expect(stepRows(viewOf(player), mapped)[0]).toMatchObject({
      status: 'completed',
      input_data: { items: [1, 2] },
      output_data: { ids: [7, null] },
    });
  });
});
