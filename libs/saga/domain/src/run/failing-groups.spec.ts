import { Rejection } from '@downbeat/eventsourcing';
import {
  call,
  child,
  compiled,
  delay,
  fixedCall,
  joining,
  parallel,
  Player,
  RUN_ID,
  signalWait,
} from '../testing';
import { evolveRunView, type RunView } from '../views/run-view';
import type { RunEvent } from './events';
import { isStarted } from './state';

const types = (events: Rejection | readonly RunEvent[]) =>
  events instanceof Rejection ? events.code : events.map(({ type }) => type);
const viewOf = (player: Player): RunView | undefined =>
  player.events.reduce<RunView | undefined>(evolveRunView, undefined);
const map = (steps: readonly object[], more: object = {}) => ({
  name: 'each',
  type: 'map',
  items: '=[1, 2, 3]',
  steps,
  ...more,
});
const contextOf = (player: Player) => isStarted(player.state) && player.state.context;

describe('an incident', () => {
  it('of a step inside a map is named by its address', () => {
    const player = new Player(compiled([map([call('a')]), call('b')])).start();
    for (const index of [0, 1, 2]) player.ok(`a#${index}`);
    player.status4xx('b');
    player.status4xx('a#2:undo');
    expect(viewOf(player)?.incident).toMatchObject({
      incident_id: `${RUN_ID}:a#2:1`,
      step_name: 'a#2',
    });
    expect(types(player.resolve('skip'))).toEqual(['IncidentResolved', 'UndoStarted']);
    expect(player.calling).toEqual(['a#1:undo']);
  });

  describe('of a race', () => {
    const begun = (more: Readonly<Record<string, unknown>> = {}) => {
      const race = joining('race', 'p', [call('a'), call('a2')], [signalWait('go')]);
      const player = new Player(
        compiled([call('before'), parallel('q', [race, call('behind')], [call('beside')])], more),
      ).start();
      player.ok('before');
      player.ok('a');
      player.signal('go');
      player.ok('a2');
      expect(player.calling).toEqual(expect.arrayContaining(['beside', 'a2:undo']));
      player.status4xx('a2:undo', 503);
      expect(viewOf(player)).toMatchObject({ current_status: 'running', needs_attention: true });
      return player;
    };

    it('is resolved while the rest goes on, and then the race goes on', () => {
      const player = begun();
      expect(types(player.resolve('skip'))).toEqual(['IncidentResolved', 'UndoStarted']);
      player.status4xx('a:undo', 503);
      expect(types(player.resolve('done_by_hand'))).toEqual([
        'IncidentResolved',
        'ParallelCompleted',
        'StepStarted',
      ]);
      player.ok('behind');
      player.ok('beside');
      expect(player.status).toBe('completed');
      // What was skipped stands, and can be undone with the run.
      player.compensate();
      expect(
        player.events.findLast(({ type }) => type === 'CompensationStarted')?.data,
      ).toMatchObject({ steps: ['beside', 'behind', 'a2', 'before'] });
    });

    it('is overtaken when the run ends meanwhile, and its effect is undone in its turn', () => {
      const player = begun();
      expect(types(player.status4xx('beside'))).toEqual([
        'StepAttemptFailed',
        'StepFailed',
        'IncidentResolved',
        'CompensationStarted',
        'UndoStarted',
      ]);
      expect(player.events.find(({ type }) => type === 'IncidentResolved')?.data).toMatchObject({
        incident_id: `${RUN_ID}:a2:1`,
        action: 'overtaken',
      });
      expect(viewOf(player)).toMatchObject({ needs_attention: false });
      expect(types(player.resolve('skip', { incident_id: `${RUN_ID}:a2:1` }))).toBe(
        'incident-resolved',
      );
      expect(player.calls.at(-1)).toMatchObject({ step: 'a2', purpose: 'undo', attempt: 2 });
    });

    it('begins anew when the run failed without undoing anything, and is retried', () => {
      const player = begun({ compensation_strategy: 'none' });
      player.status4xx('beside');
      expect(player.status).toBe('failed');
      expect(viewOf(player)).toMatchObject({ needs_attention: false });
      player.retry();
      expect(player.calling).toEqual(expect.arrayContaining(['beside', 'a2:undo']));
    });
  });

  it('counts calls on when its undo was skipped and is begun again', () => {
    const player = new Player(compiled([call('a'), call('b')])).start();
    player.ok('a');
    player.status4xx('b');
    player.status4xx('a:undo', 503);
    player.resolve('retry');
    player.status4xx('a:undo', 503);
    player.resolve('skip');
    expect(player.status).toBe('compensated');
    player.compensate();
    expect(player.calls.at(-1)).toMatchObject({ key: `${RUN_ID}:a:undo`, attempt: 3 });
    player.ok('a:undo');
    const attempts = player.events.flatMap(({ type, data }) =>
      type === 'UndoStarted' || type === 'UndoRetried' ? [data.attempt] : [],
    );
    expect(attempts).toEqual([1, 2, 3]);
  });

  it('gives a retried undo the budget of its policy, whatever an operator allowed before', () => {
    const undo = {
      service_name: 'a',
      endpoint: '/undo',
      retry_policy: { max_retries: 1, initial_delay_ms: 10 },
    };
    const player = new Player(
      compiled([call('a', { compensation_action: undo }), call('b')]),
    ).start();
    const failFor = (calls: number) => {
      for (let made = 1; made <= calls; made++) {
        player.status4xx('a:undo', 503);
        if (made < calls) player.due(player.timers.find((id) => id.startsWith('undo:')) ?? '');
      }
    };
    player.ok('a');
    player.status4xx('b');
    failFor(2);
    player.retry({ max_retries: 3 });
    failFor(4);
    expect(player.events.at(-1)?.type).toBe('IncidentOpened');
    player.resolve('retry');
    failFor(2);
    expect(player.events.at(-1)?.type).toBe('IncidentOpened');
  });
});

describe('a caught failure', () => {
  const caught = (name: string, goto: string, more: object = {}) =>
    call(name, { on_error: [{ match: ['any'], goto }], ...more });

  it("of an item is the item's own, and can be collected", () => {
    const player = new Player(
      compiled([
        map([caught('a', 'b'), fixedCall('skipped'), fixedCall('b')], {
          collect: { statuses: 'errors.a.status' },
        }),
      ]),
    ).start();
    player.ok('a#0');
    player.status4xx('a#1', 402);
    player.ok('a#2');
    expect([...player.calling].sort()).toEqual(['b#1', 'skipped#0', 'skipped#2']);
    for (const name of ['b#1', 'skipped#0', 'skipped#2', 'b#0', 'b#2']) player.ok(name);
    expect(contextOf(player)).toEqual({ statuses: [null, 402, null] });
  });

  it('cannot be read behind the map it was caught in', () => {
    const read = fixedCall('late', { input_mapping: { why: 'errors.a.status' } });
    expect(() => compiled([map([caught('a', 'end')]), read])).toThrow(/each its own/);
  });

  it('goes on in its branch only; the winner of a race brings it along', () => {
    const player = new Player(
      compiled([
        caught('before', 'p'),
        fixedCall('never'),
        joining('race', 'p', [caught('a', 'a2'), fixedCall('a1'), fixedCall('a2')], [call('b')]),
        fixedCall('end-step', {
          input_mapping: { one: 'errors.before.status', two: 'errors.a.status' },
        }),
      ]),
    ).start();
    player.status4xx('before', 418);
    player.status4xx('a', 402);
    expect(player.calling).toEqual(expect.arrayContaining(['a2', 'b']));
    expect(contextOf(player)).toMatchObject({ errors: { before: { status: 418 } } });
    expect(contextOf(player)).not.toHaveProperty('errors.a');
    player.ok('a2');
    player.status4xx('b');
    expect(player.calls.at(-1)).toMatchObject({ step: 'end-step', input: { one: 418, two: 402 } });
    expect(viewOf(player)?.context_data).toEqual(contextOf(player));
  });

  it('stands beside what another branch has caught meanwhile, when its branch wins', () => {
    const player = new Player(
      compiled([
        parallel(
          'q',
          [joining('race', 'p', [caught('a', 'a2'), call('a2')], [signalWait('never')])],
          [caught('b', 'end')],
        ),
      ]),
    ).start();
    player.status4xx('a', 402);
    player.status4xx('b', 418);
    player.ok('a2');
    expect(contextOf(player)).toMatchObject({
      errors: { a: { status: 402 }, b: { status: 418 } },
    });
  });

  it('can be read by the undo of the step itself', () => {
    const undo = { service_name: 'a', endpoint: '/undo', input_mapping: { why: 'errors.a.class' } };
    const player = new Player(
      compiled([caught('a', 'b', { compensation_action: undo }), call('b')]),
    ).start();
    player.timeout('a');
    player.status4xx('b');
    expect(player.calls.at(-1)).toMatchObject({ purpose: 'undo', input: { why: 'timeout' } });
  });

  it('catches nothing in a branch that is cancelled', () => {
    const player = new Player(
      compiled([joining('race', 'p', [call('a')], [caught('b', 'b2'), call('b1'), call('b2')])]),
    ).start();
    player.ok('a');
    player.status4xx('b');
    expect(player.events.some(({ data }) => 'caught' in data)).toBe(false);
    expect(player.status).toBe('completed');
  });
});

describe('a step that is undone when it failed', () => {
  it('is undone in a branch that lost', () => {
    const player = new Player(
      compiled([
        joining('race', 'p', [call('a', { undo_failed_step: true })], [call('b')]),
        call('c'),
      ]),
    ).start();
    player.ok('b');
    player.status4xx('a');
    expect(player.calling).toEqual(['a:undo']);
    player.ok('a:undo');
    expect(player.calling).toEqual(['c']);
  });

  it('is not undone when its call was never sent', () => {
    const player = new Player(
      compiled([
        call('first'),
        parallel('p', [call('a', { undo_failed_step: true })], [call('b')]),
      ]),
    ).start();
    player.ok('first');
    player.hold('a');
    player.status4xx('b');
    expect(player.calling).toEqual(['first:undo']);
    expect(player.events.find(({ type }) => type === 'CompensationStarted')?.data).toMatchObject({
      steps: ['first'],
    });
  });
});

describe('savepoints and named steps', () => {
  it('stop behind a group, whatever stands in it', () => {
    const player = new Player(
      compiled([{ ...map([call('a')]), savepoint: 'all-held' }, call('b'), call('c')], {
        compensation_strategy: 'partial',
      }),
    ).start();
    for (const index of [0, 1, 2]) player.ok(`a#${index}`);
    player.ok('b');
    player.status4xx('c');
    expect(player.events.at(-2)?.data).toMatchObject({ to_savepoint: 'all-held', steps: ['b'] });
  });

  it('are refused inside of a map', () => {
    expect(() => compiled([map([call('a', { savepoint: true })])])).toThrow(/outermost sequence/);
  });

  it('name all items of a step, and sub-workflows', () => {
    const player = new Player(
      compiled([map([call('a')]), child('sub'), call('b'), call('c')], {
        compensation_strategy: 'custom',
        compensation_steps: ['a', 'sub'],
      }),
    ).start();
    for (const index of [0, 1, 2]) player.ok(`a#${index}`);
    player.child('sub', 'completed');
    player.ok('b');
    player.status4xx('c');
    expect(player.events.at(-2)?.data).toMatchObject({ steps: ['sub', 'a#2', 'a#1', 'a#0'] });
  });
});

describe('an edited retry', () => {
  it("forms the input of an item anew, in the item's own context", () => {
    const step = call('a', { input_mapping: { card: 'card', item: 'item' } });
    const player = new Player(compiled([map([step])], { compensation_strategy: 'none' })).start({
      card: 'old',
    });
    player.ok('a#0');
    player.status4xx('a#1');
    player.ok('a#2');
    player.retry({ context_patch: { card: 'new' } });
    expect(player.calls.at(-1)).toMatchObject({
      key: `${RUN_ID}:a#1:2`,
      input: { card: 'new', item: 2 },
    });
  });

  it('leaves a sub-workflow the input it has', () => {
    const player = new Player(
      compiled([child('sub', { input_mapping: { card: 'card' } })], {
        compensation_strategy: 'none',
      }),
    ).start({ card: 'old' });
    player.child('sub', 'failed');
    player.retry({ context_patch: { card: 'new' } });
    expect(player.outstanding.get(`${RUN_ID}:sub`)).toMatchObject({
      attempt: 2,
      context_data: { card: 'old' },
    });
  });
});

describe('a pause', () => {
  const dueOf = (player: Player, id: string) => {
    const effect = player.outstanding.get(id);
    return effect?.effect === 'set-timer' ? effect.due : undefined;
  };

  it('keeps what was left of the wait for a signal', () => {
    const player = new Player(compiled([signalWait('go', { timeout_seconds: 60 })])).start();
    player.pause();
    player.now += 600_000;
    player.resume();
    expect(dueOf(player, 'signal:go')).toBe('2026-03-01T09:41:00.000Z');
    player.due('signal:go');
    expect(player.status).toBe('failed');
  });

  it('keeps what was left of the wait before an undo of a race is tried again', () => {
    const retry_policy = {
      max_retries: 1,
      initial_delay_ms: 60_000,
      max_delay_ms: 60_000,
      jitter: 0,
    };
    const undo = { service_name: 'a', endpoint: '/undo', retry_policy };
    const player = new Player(
      compiled([
        joining(
          'race',
          'p',
          [call('a', { compensation_action: undo }), delay('rest')],
          [call('b')],
        ),
      ]),
    ).start();
    player.ok('a');
    player.ok('b');
    player.status4xx('a:undo', 503);
    player.pause();
    expect(player.timers).toEqual([]);
    player.now += 600_000;
    player.resume();
    expect(dueOf(player, 'undo:a:1')).toBe('2026-03-01T09:41:00.000Z');
    player.due('undo:a:1');
    player.pause();
    expect(types(player.ok('a:undo'))).toEqual(['StepCompensated']);
    expect(types(player.resume())).toEqual([
      'WorkflowResumed',
      'ParallelCompleted',
      'WorkflowCompleted',
    ]);
  });

  it('keeps a signal that comes meanwhile for the step that waits for it', () => {
    const player = new Player(
      compiled([signalWait('go', { output_mapping: { id: '=output.id' } }), call('a')]),
    ).start();
    player.pause();
    expect(types(player.signal('go'))).toBe('signal-unusable');
    expect(types(player.signal('go', { id: 1 }))).toEqual(['SignalReceived']);
    player.crash();
    // One too early for nobody.
    expect(types(player.signal('go', {}))).toEqual(['SignalReceived']);
    expect(types(player.resume())).toEqual(['WorkflowResumed', 'SignalTaken', 'StepStarted']);
    expect(contextOf(player)).toEqual({ id: 1 });
  });

  it('gives a signal to the step that has waited longest, as without a pause', () => {
    const wait = (name: string) => signalWait(name, { signal: 'go' });
    const player = new Player(
      compiled([parallel('p', [call('a'), wait('late')], [wait('early')])]),
    ).start();
    player.ok('a');
    player.pause();
    player.signal('go');
    expect(player.resume()).toMatchObject([
      { type: 'WorkflowResumed' },
      { type: 'SignalTaken', data: { step: 'early' } },
    ]);
  });

  it('gives the older of two signals to the step that has waited longer', () => {
    const wait = (name: string) => signalWait(name, { signal: 'go' });
    const player = new Player(
      compiled([parallel('p', [call('a'), wait('late')], [wait('early')])]),
    ).start();
    player.ok('a');
    player.pause();
    player.signal('go', 'older');
    player.signal('go', 'newer');
    const taken = player.crash().resume();
    expect(taken).toMatchObject([
      { type: 'WorkflowResumed' },
      { type: 'SignalTaken', data: { step: 'late', payload: 'newer' } },
      { type: 'SignalTaken', data: { step: 'early', payload: 'older' } },
      { type: 'ParallelCompleted' },
      { type: 'WorkflowCompleted' },
    ]);
    expect(isStarted(player.state) && player.state.signals).toEqual([]);
  });

  it('lets the branch win a race that was heard of first', () => {
    const definition = compiled([
      joining('race', 'p', [call('a')], [signalWait('go')], [call('b')]),
    ]);
    const winnerAfter = (...heard: readonly ((player: Player) => unknown)[]) => {
      const player = new Player(definition).start();
      player.pause();
      for (const hear of heard) hear(player);
      player.crash();
      player.resume();
      const won = player.events.find(({ type }) => type === 'RaceWon');
      return { winner: won?.type === 'RaceWon' && won.data.branch, player };
    };
    const [a, b] = ['a', 'b'].map((name) => (player: Player) => void player.ok(name));
    const go = (player: Player) => void player.signal('go');
    if (!a || !b) throw new Error('two of them');
    expect(winnerAfter(a, b, go).winner).toBe('branch-0');
    expect(winnerAfter(b, a).winner).toBe('branch-2');
    expect(winnerAfter(go, a, b).winner).toBe('branch-1');
    const { player } = winnerAfter(b, go);
    expect(isStarted(player.state) && player.state.signals).toHaveLength(1);
  });

  it('has branches that failed meanwhile given up, and goes on in the others', () => {
    const player = new Player(
      compiled([
        joining(
          'settle',
          'p',
          [parallel('q', [call('a')], [delay('rest')])],
          [call('b'), call('b2')],
        ),
      ]),
    ).start();
    player.pause();
    player.status4xx('a');
    player.ok('b');
    expect(types(player.resume())).toEqual(['WorkflowResumed', 'WaitAbandoned', 'StepStarted']);
    expect(player.calling).toEqual(['b2']);
    player.ok('b2');
    expect(player.calling).toEqual(['b2:undo']);
  });

  it('has items that failed meanwhile given up, and begins the next ones', () => {
    const player = new Player(
      compiled([
        map([parallel('q', [call('a')], [delay('rest')])], { join: 'settle', concurrency: 1 }),
      ]),
    ).start();
    player.pause();
    player.status4xx('a#0');
    expect(types(player.resume())).toEqual([
      'WorkflowResumed',
      'WaitAbandoned',
      'MapItemStarted',
      'ParallelStarted',
      'StepStarted',
      'DelayStarted',
    ]);
    expect(player.calling).toEqual(['a#1']);
  });

  it('lets a run that stands for a step go on, and records its end', () => {
    const player = new Player(compiled([child('sub'), call('a')])).start();
    player.pause();
    expect(types(player.child('sub', 'completed'))).toEqual(['StepCompleted']);
    expect(types(player.resume())).toEqual(['WorkflowResumed', 'StepStarted']);
  });

  it('leaves a signal to the next step that waits when the one it was for will not take it', () => {
    const wait = (name: string) => signalWait(name, { signal: 'go' });
    const player = new Player(
      compiled([parallel('q', [joining('race', 'p', [call('a')], [wait('x')])], [wait('y')])]),
    ).start();
    player.pause();
    player.ok('a');
    player.signal('go');
    expect(player.resume()).toMatchObject([
      { type: 'WorkflowResumed' },
      { type: 'RaceWon' },
      { type: 'WaitAbandoned', data: { step: 'x' } },
      { type: 'ParallelCompleted' },
      { type: 'SignalTaken', data: { step: 'y' } },
      { type: 'ParallelCompleted' },
      { type: 'WorkflowCompleted' },
    ]);
  });

  it.each(['a', 'b'])('holds back what the end of a race leads to, with %s first', (first) => {
    const player = new Player(
      compiled([
        parallel(
          'q',
          [joining('race', 'p', [call('a')], [signalWait('go')])],
          [joining('race', 'r', [call('b')], [signalWait('stop')])],
        ),
      ]),
    ).start();
    player.signal('go');
    player.signal('stop');
    const second = first === 'a' ? 'b' : 'a';
    player.ok(first);
    player.ok(second);
    expect(player.calling).toEqual([`${first}:undo`]);
    player.pause();
    player.ok(`${first}:undo`);
    expect(player.calling).toEqual([]);
    player.resume();
    expect(player.calling).toEqual([`${second}:undo`]);
    player.ok(`${second}:undo`);
    expect(player.status).toBe('completed');
  });
});
