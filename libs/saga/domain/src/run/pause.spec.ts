import { epochMs, instantOf, Rejection } from '@downbeat/eventsourcing';
import { evolveRunView, type RunView } from '../views/run-view';
import { call, compiled, delay, fixedCall, parallel, Player, RUN_ID } from '../testing';

const codeOf = (result: unknown): string =>
  result instanceof Rejection ? result.code : 'accepted';
const types = (events: Rejection | readonly { readonly type: string }[]) =>
  events instanceof Rejection ? [events.code] : events.map(({ type }) => type);
const dueOf = (player: Player, id: string): number => {
  const effect = player.outstanding.get(id);
  return effect?.effect === 'set-timer' ? epochMs(effect.due) - player.now : Number.NaN;
};
const MINUTE = 60_000;

describe('a paused run', () => {
  it('records the answer of the call under way, and begins nothing', () => {
    const player = new Player(compiled([call('a'), call('b')])).start();
    player.pause();
    expect(types(player.ok('a'))).toEqual(['StepCompleted']);
    expect(player.calling).toEqual([]);
    expect(types(player.resume())).toEqual(['WorkflowResumed', 'StepStarted']);
    expect(player.calling).toEqual(['b']);
    expect(player.calls.at(-1)).toMatchObject({ step: 'b', reissued: false });
    player.ok('b');
    expect(player.status).toBe('completed');
  });

  it('ends when it is resumed, if that was all', () => {
    const player = new Player(compiled([call('a')])).start();
    player.pause();
    player.ok('a');
    expect(player.status).toBe('running');
    expect(types(player.resume())).toEqual(['WorkflowResumed', 'WorkflowCompleted']);
  });

  it('cannot be told to pause when it has ended, nor to resume', () => {
    const player = new Player(compiled([call('a')])).start();
    player.ok('a');
    expect([player.pause(), player.resume()].map(codeOf)).toEqual([
      'workflow-ended',
      'workflow-ended',
    ]);
  });

  it('paused with its definition is resumed with that, or by a person; one that a person paused is not', () => {
    const player = new Player(compiled([call('a'), call('b')])).start();
    const data = { workflow_id: RUN_ID };
    const withDefinition = (type: 'PauseWorkflow' | 'ResumeWorkflow') =>
      types(player.say({ type, at: player.at, data, definition_pause: 2 }));
    player.pause();
    expect(withDefinition('PauseWorkflow')).toEqual([]);
    expect(withDefinition('ResumeWorkflow')).toEqual([]);
    expect(player.events.at(-1)?.type).toBe('WorkflowPaused');
    player.resume();
    expect(withDefinition('PauseWorkflow')).toEqual(['WorkflowPaused']);
    expect(player.events.at(-1)?.data).toMatchObject({ definition_pause: 2 });
    player.crash();
    expect(withDefinition('ResumeWorkflow')).toEqual(['WorkflowResumed']);
    expect(withDefinition('ResumeWorkflow')).toEqual([]);
    withDefinition('PauseWorkflow');
    expect(types(player.resume())).toEqual(['WorkflowResumed']);
  });

  it('is paused once, and resumed once', () => {
    const player = new Player(compiled([call('a')])).start();
    expect(types(player.resume())).toEqual([]);
    player.pause();
    expect(types(player.pause())).toEqual([]);
    player.resume();
    expect(types(player.resume())).toEqual([]);
  });

  it('sets no timer, and ignores one that comes all the same', () => {
    const player = new Player(compiled([delay('a'), call('b')])).start();
    player.pause();
    expect(player.timers).toEqual([]);
    for (const timer_id of ['delay:a', 'timeout'])
      expect(player.say({ type: 'TimerDue', at: player.at, data: { timer_id } })).toEqual([]);
  });

  it('keeps what was left of a delay, of a retry and of its time-out', () => {
    const player = new Player(
      compiled([
        parallel(
          'p',
          [delay('wait', 60)],
          [
            call('a', {
              retry_policy: { initial_delay_ms: 40_000, max_delay_ms: 40_000, jitter: 0 },
            }),
          ],
        ),
      ]),
    ).start();
    player.status4xx('a', 503);
    player.now += 10_000;
    const left = ['delay:wait', 'retry:a:1', 'timeout'].map((id) => dueOf(player, id));
    expect(left).toEqual([50_000, 30_000, 60 * MINUTE - 10_000]);
    player.pause();
    player.now += 90 * MINUTE;
    player.resume();
    expect(['delay:wait', 'retry:a:1', 'timeout'].map((id) => dueOf(player, id))).toEqual(left);
  });

  it('keeps the whole of a wait that began meanwhile', () => {
    const player = new Player(
      compiled([
        call('a', { retry_policy: { initial_delay_ms: 40_000, max_delay_ms: 40_000, jitter: 0 } }),
      ]),
    ).start();
    player.pause();
    player.now += 3 * 60 * MINUTE;
    // Far behind the time-out, which does not run.
    expect(types(player.status4xx('a', 503))).toEqual(['StepAttemptFailed']);
    player.now += 5 * MINUTE;
    player.resume();
    expect([dueOf(player, 'retry:a:1'), dueOf(player, 'timeout')]).toEqual([40_000, 60 * MINUTE]);
    player.due('retry:a:1');
    player.ok('a');
    expect(player.status).toBe('completed');
  });

  it('keeps them over two pauses, and a clock that was set back', () => {
    const player = new Player(compiled([delay('a', 60)])).start();
    for (const minutes of [10, -5]) {
      player.pause();
      player.now += minutes * MINUTE;
      player.resume();
    }
    expect(dueOf(player, 'delay:a')).toBe(60_000 + 5 * MINUTE);
  });

  it('undoes after a failure only when it is resumed', () => {
    const player = new Player(compiled([call('a'), call('b')])).start();
    player.ok('a');
    player.pause();
    expect(types(player.status4xx('b'))).toEqual(['StepAttemptFailed', 'StepFailed']);
    expect(types(player.resume())).toEqual([
      'WorkflowResumed',
      'CompensationStarted',
      'UndoStarted',
    ]);
  });

  it('waits between two undos, and before its end', () => {
    const player = new Player(compiled([call('a'), call('b'), call('c')])).start();
    player.ok('a');
    player.ok('b');
    player.status4xx('c');
    player.pause();
    expect(types(player.ok('b:undo'))).toEqual(['StepCompensated']);
    player.resume();
    expect(player.calling).toEqual(['a:undo']);
    player.pause();
    player.ok('a:undo');
    expect(player.status).toBe('compensating');
    expect(types(player.resume())).toEqual(['WorkflowResumed', 'WorkflowCompensated']);
  });

  it('keeps what was left of the retry of an undo', () => {
    const retry_policy = { initial_delay_ms: 30_000, max_delay_ms: 30_000, jitter: 0 };
    const player = new Player(
      compiled([
        call('a', { compensation_action: { service_name: 'a', endpoint: '/u', retry_policy } }),
        call('b'),
      ]),
    ).start();
    player.ok('a');
    player.status4xx('b');
    player.status4xx('a:undo', 503);
    player.now += 10_000;
    player.pause();
    player.now += MINUTE;
    player.resume();
    expect(dueOf(player, 'undo:a:1')).toBe(20_000);
  });

  it('opens an incident all the same, and it is resolved after the pause', () => {
    const player = new Player(compiled([call('a'), call('b')])).start();
    player.ok('a');
    player.status4xx('b');
    player.pause();
    expect(types(player.status4xx('a:undo'))).toEqual(['UndoAttemptFailed', 'IncidentOpened']);
    expect([player.resolve('skip'), player.retry()].map(codeOf)).toEqual([
      'workflow-paused',
      'workflow-paused',
    ]);
    expect(types(player.resume())).toEqual(['WorkflowResumed']);
    expect([...player.outstanding.keys()]).toEqual(['parked']);
    player.resolve('skip');
    expect(player.status).toBe('compensated');
  });

  it('is resumed by undoing it', () => {
    const player = new Player(compiled([call('a'), call('b')])).start();
    player.ok('a');
    player.pause();
    player.ok('b');
    expect(types(player.compensate())).toEqual([
      'CompensationRequested',
      'WorkflowResumed',
      'CompensationStarted',
      'UndoStarted',
    ]);
    expect(player.calling).toEqual(['b:undo']);
  });

  it('goes on in every branch where it stood', () => {
    const player = new Player(
      compiled([parallel('p', [call('a'), call('b')], [call('c')], [delay('d')]), call('e')]),
    ).start();
    player.pause();
    player.ok('a');
    player.resume();
    expect(player.calling.toSorted()).toEqual(['b', 'c']);
    expect(player.timers).toEqual(['timeout', 'delay:d']);
    player.pause();
    for (const name of ['b', 'c']) player.ok(name);
    player.resume();
    player.due('delay:d');
    expect(player.calling).toEqual(['e']);
  });

  it('goes on where a failure was caught', () => {
    const player = new Player(
      compiled([
        fixedCall('a', { on_error: [{ match: ['any'], goto: 'c' }] }),
        call('b'),
        call('c'),
      ]),
    ).start();
    player.pause();
    player.status4xx('a');
    player.resume();
    expect(player.calling).toEqual(['c']);
  });

  it('calls nobody after a take-over until it is resumed, then what was lost again', () => {
    const player = new Player(compiled([call('a')])).start();
    player.pause();
    player.crash();
    expect([...player.outstanding.values()]).toEqual([{ effect: 'paused' }]);
    player.resume();
    expect(player.outstanding.get(player.calls.at(-1)?.key ?? '')).toMatchObject({
      attempt: 1,
      reissued: true,
    });
  });

  it('holds back a call that waits in the engine, before the pause or within it', () => {
    const player = new Player(compiled([parallel('p', [call('a')], [call('b')])])).start();
    player.hold('a');
    player.pause();
    expect(player.calling).toEqual(['b']);
    player.hold('b');
    expect(player.calling).toEqual([]);
    const release = { purpose: 'step', step: 'a', attempt: 1 } as const;
    expect(player.say({ type: 'ReleaseCall', at: player.at, data: release })).toEqual([]);
    player.crash();
    player.resume();
    for (const name of ['a', 'b']) {
      expect(player.outstanding.get(`${RUN_ID}:${name}`)).toMatchObject({
        isHeld: true,
        reissued: false,
      });
      player.release(name);
      player.ok(name);
    }
    expect(player.status).toBe('completed');
  });

  it('shows since when and why, and until when it may take after that', () => {
    const player = new Player(compiled([call('a')])).start();
    const viewOf = () => player.events.reduce<RunView | undefined>(evolveRunView, undefined);
    const before = viewOf();
    player.say({
      type: 'PauseWorkflow',
      at: player.at,
      data: { workflow_id: '', reason: 'stock is counted' },
    });
    expect(viewOf()).toMatchObject({
      current_status: 'running',
      paused: true,
      pause: { since: player.at, reason: 'stock is counted' },
    });
    player.now += MINUTE;
    player.resume();
    expect(viewOf()).toMatchObject({
      paused: false,
      timeout_at: instantOf(epochMs(before?.timeout_at ?? player.at) + MINUTE),
    });
    expect(viewOf()).not.toHaveProperty('pause');
  });
});
