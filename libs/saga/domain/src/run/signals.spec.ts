import { Rejection } from '@downbeat/eventsourcing';
import { call, compiled, parallel, Player, signalWait } from '../testing';
import { SIGNALS_KEPT_MAX } from './signals';
import { isStarted } from './state';

const approval = (more: object = {}) =>
  signalWait('approval', { output_mapping: { approved: 'approved' }, ...more });
const codeOf = (result: unknown) => (result instanceof Rejection ? result.code : 'accepted');
const types = (player: Player) => player.events.map(({ type }) => type);
const contextOf = ({ state }: Player) => (isStarted(state) ? state.context : {});

describe('a step that waits for a signal', () => {
  it('goes on with the payload, in the append that records the signal', () => {
    const player = new Player(compiled([approval(), call('b')])).start();
    expect(player.calling).toEqual([]);
    player.signal('approval', { approved: true, by: 'finance' });
    expect(player.appends.at(-1)?.map(({ type }) => type)).toEqual([
      'SignalReceived',
      'SignalTaken',
      'StepStarted',
    ]);
    expect(contextOf(player)).toEqual({ approved: true });
  });

  it('takes what came before it was reached, once', () => {
    const player = new Player(compiled([call('a'), approval(), approval2])).start();
    player.signal('approval', { approved: 1 });
    player.ok('a');
    expect(contextOf(player)).toEqual({ approved: 1 });
    expect(player.status).toBe('running');
    player.crash().signal('approval', { approved: 2 });
    expect(contextOf(player)).toEqual({ approved: 1, again: 2 });
    expect(player.status).toBe('completed');
  });
  const approval2 = signalWait('again', {
    signal: 'approval',
    output_mapping: { again: 'approved' },
  });

  it('takes those that came early oldest first, and another name never', () => {
    const player = new Player(
      compiled([call('a'), approval(), approval2, signalWait('paid')]),
    ).start();
    player.signal('paid');
    player.signal('approval', { approved: 1 });
    player.signal('approval', { approved: 2 });
    player.ok('a');
    expect(contextOf(player)).toEqual({ approved: 1, again: 2 });
    expect(player.status).toBe('completed');
  });

  it('is the only one to take a signal; the one that waits longest is first', () => {
    const player = new Player(compiled([parallel('p', [approval()], [approval2])])).start();
    player.signal('approval', { approved: 1 });
    expect(contextOf(player)).toEqual({ approved: 1 });
    player.signal('approval', { approved: 2 });
    expect(contextOf(player)).toEqual({ approved: 1, again: 2 });
    expect(player.status).toBe('completed');
  });

  it('goes on with its default when the time has passed', () => {
    const player = new Player(
      compiled([approval({ timeout_seconds: 60, default: { approved: false } }), call('b')]),
    ).start();
    player.due('signal:approval');
    expect(contextOf(player)).toEqual({ approved: false });
    expect(player.calling).toEqual(['b']);
    player.signal('approval', { approved: true });
    expect(contextOf(player)).toEqual({ approved: false });
  });

  it('takes null for a default as for any other', () => {
    const player = new Player(compiled([approval({ timeout_seconds: 60, default: null })])).start();
    player.due('signal:approval');
    expect(player.status).toBe('completed');
  });

  it('has failed for sure when the time has passed and there is no default', () => {
    const player = new Player(compiled([call('a'), approval({ timeout_seconds: 60 })])).start();
    player.ok('a');
    player.due('signal:approval');
    expect(player.calling).toEqual(['a:undo']);
    expect(player.events.find(({ type }) => type === 'StepFailed')?.data).toMatchObject({
      step: 'approval',
      outcome: 'failed',
      message: 'no signal approval within 60 s',
    });
  });

  it('no longer has a timer when the signal came', () => {
    const player = new Player(compiled([approval({ timeout_seconds: 60 }), call('b')])).start();
    player.signal('approval');
    expect(player.timers).toEqual(['timeout']);
  });

  it('is given up when the run ends otherwise, and waits anew when it is retried', () => {
    const definition = compiled(
      [parallel('p', [call('a')], [approval({ timeout_seconds: 60 })]), call('b')],
      { compensation_strategy: 'none' },
    );
    const player = new Player(definition).start();
    player.status4xx('a');
    expect(player.status).toBe('failed');
    player.retry();
    expect(player.timers).toContain('signal:approval');
    player.signal('approval');
    player.ok('a');
    expect(player.calling).toEqual(['b']);
  });

  it('comes behind those that have waited longer when it waits anew', () => {
    const each = {
      name: 'each',
      type: 'map',
      join: 'settle',
      items: '=[0, 1, 2]',
      max_items: 3,
      concurrency: 2,
      steps: [call('a'), approval({ timeout_seconds: 60 })],
    };
    const strategy = { compensation_strategy: 'none' };
    const player = new Player(compiled([parallel('p', [each], [call('z')])], strategy)).start();
    player.ok('a#0');
    player.now += 30_000;
    player.ok('a#1');
    player.due('signal:approval#0');
    player.ok('a#2');
    player.status4xx('z');
    expect(player.status).toBe('failed');
    player.retry();
    player.now += 1_000;
    player.signal('approval', { approved: 1 });
    player.now += 1_000;
    player.signal('approval', { approved: 2 });
    const takers = player.events.flatMap(({ type, data }) =>
      type === 'SignalTaken' ? [data.step] : [],
    );
    expect(takers).toEqual(['approval#1', 'approval#2']);
  });

  it('is not ended by the timer of an earlier wait, whose word comes late', () => {
    const definition = compiled(
      [parallel('p', [call('a')], [approval({ timeout_seconds: 60 })], [signalWait('paid')])],
      { compensation_strategy: 'none' },
    );
    const player = new Player(definition).start();
    player.now += 60_000;
    const stale = player.at; // The timer fired then; the log could not be reached.
    player.status4xx('a');
    player.now += 1_000;
    player.retry();
    for (const timer_id of ['signal:approval', 'signal:paid'])
      expect(player.say({ type: 'TimerDue', at: stale, data: { timer_id } })).toEqual([]);
    player.due('signal:approval');
    expect(player.status).toBe('running');
    expect(player.calling).toEqual(['a']);
    player.ok('a');
    expect(player.status).toBe('failed');
  });

  it('waits anew when a run is retried that failed for want of it', () => {
    const definition = compiled([approval({ timeout_seconds: 60 })]);
    const player = new Player(definition).start();
    player.due('signal:approval');
    expect(player.status).toBe('failed');
    player.retry();
    player.signal('approval');
    expect(player.status).toBe('completed');
  });

  it('is skipped when its condition is false', () => {
    const player = new Player(compiled([approval({ conditions: 'false' }), call('b')])).start();
    expect(player.calling).toEqual(['b']);
  });
});

describe('a signal is refused', () => {
  it('when no step of the definition waits for its name', () =>
    expect(codeOf(new Player(compiled([approval()])).start().signal('aproval'))).toBe(
      'signal-unknown',
    ));

  it('when the run has ended or is ending', () => {
    const player = new Player(compiled([approval(), call('b')])).start();
    player.signal('approval');
    player.timeout('b');
    expect(codeOf(player.signal('approval'))).toBe('workflow-ending');
    player.ok('b:undo');
    expect(player.status).toBe('compensated');
    expect(codeOf(player.signal('approval'))).toBe('workflow-ended');
  });

  it('when there is no run', () =>
    expect(codeOf(new Player(compiled([approval()])).signal('approval'))).toBe('workflow-unknown'));

  it('when the waiting step cannot take it, and the step waits on', () => {
    const strict = approval({ output_mapping: { approved: '=output.approved' } });
    const player = new Player(compiled([strict])).start();
    const refused = player.signal('approval', { approval: 'yes' });
    expect(refused).toMatchObject({ code: 'signal-unusable', errors: [{ field: 'payload' }] });
    player.signal('approval', { approved: true });
    expect(player.status).toBe('completed');
  });

  it('when too many are kept already, but not when somebody waits for it', () => {
    const player = new Player(compiled([approval(), call('a'), approval2])).start();
    const approval3 = Array.from({ length: SIGNALS_KEPT_MAX }, () => ({}));
    player.signal('approval');
    for (const payload of approval3)
      expect(codeOf(player.signal('approval', payload))).toBe('accepted');
    expect(codeOf(player.signal('approval'))).toBe('too-many-signals');

    const waiting = new Player(compiled([approval(), signalWait('paid')])).start();
    for (const payload of approval3) waiting.signal('paid', payload);
    expect(codeOf(waiting.signal('paid'))).toBe('too-many-signals');
    expect(codeOf(waiting.signal('approval', { approved: true }))).toBe('accepted');
    expect(waiting.status).toBe('completed');
  });
  const approval2 = signalWait('again', { signal: 'approval' });

  it('when those that are kept hold too much, under the rules of earlier runs', () => {
    const player = new Player(compiled([call('a'), approval()]));
    player.rules = 2;
    player.start();
    const payload = 'x'.repeat(60_000);
    const codes = Array.from({ length: 5 }, () => codeOf(player.signal('approval', payload)));
    expect(codes).toEqual(['accepted', 'accepted', 'accepted', 'accepted', 'too-many-signals']);
  });
});

it('an early signal that cannot be taken fails the step that waits for it', () => {
  const strict = approval({ output_mapping: { approved: '=output.approved' } });
  const player = new Player(compiled([call('a'), strict])).start();
  player.signal('approval', {});
  player.ok('a');
  expect(types(player).slice(-4)).toEqual([
    'SignalTaken',
    'StepFailed',
    'CompensationStarted',
    'UndoStarted',
  ]);
});
