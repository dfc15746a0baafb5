import { Rejection } from '@downbeat/eventsourcing';
import { call, compiled, delay, fixedCall, parallel, Player } from '../testing';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
/** `c` cannot be undone. */
const chain = (more: Readonly<Record<string, unknown>> = {}) =>
  compiled(
    NAMES.map((name) => (name === 'c' ? fixedCall(name) : call(name))),
    more,
  );

/** Answers every undo, newest first, until none is called any more. */
function undoAll(player: Player): Player {
  for (let calling = player.calling[0]; calling; calling = player.calling[0]) player.ok(calling);
  return player;
}

const rejectionOf = (result: unknown): string =>
  result instanceof Rejection ? result.code : 'accepted';

describe.each(NAMES.map((name, index) => ({ name, index })))(
  'when $name fails',
  ({ name, index }) => {
    const upTo = (strategy: string) => {
      const player = new Player(chain({ compensation_strategy: strategy })).start();
      for (const before of NAMES.slice(0, index)) player.ok(before);
      return player;
    };
    const undoable = NAMES.slice(0, index).filter((before) => before !== 'c');

    it('exactly what completed and can be undone is undone, newest first', () => {
      const player = upTo('all');
      player.status4xx(name);
      undoAll(player);
      expect(player.undone).toEqual(undoable.toReversed());
      expect(player.status).toBe(undoable.length === 0 ? 'failed' : 'compensated');
    });

    it('it is undone itself, first, if its outcome is unknown', () => {
      const player = upTo('all');
      player.timeout(name);
      undoAll(player);
      expect(player.undone).toEqual([...(name === 'c' ? [] : [name]), ...undoable.toReversed()]);
    });

    it('nothing is undone with the strategy none', () => {
      const player = upTo('none');
      player.timeout(name);
      expect(player.calling).toEqual([]);
      expect(player.status).toBe('failed');
    });

    it('what stands before the point of no return stands with the strategy partial', () => {
      const player = upTo('partial');
      player.status4xx(name);
      undoAll(player);
      const behind = index > NAMES.indexOf('c') ? undoable.filter((step) => step > 'c') : undoable;
      expect(player.undone).toEqual(behind.toReversed());
      expect(player.status).toBe(behind.length === 0 ? 'failed' : 'compensated');
    });

    it('the undos go on after a crash at every point', () => {
      const player = upTo('all');
      player.crash().status4xx(name);
      for (let calling = player.crash().calling[0]; calling; calling = player.crash().calling[0])
        player.ok(calling);
      expect(player.state.status).toMatch(/^(failed|compensated)$/);
      const completed = player.events.flatMap((event) =>
        event.type === 'StepCompensated' ? [event.data.step] : [],
      );
      // Called again after a take-over, the step itself is in doubt, and its undo is owed.
      expect(completed).toEqual([...(name === 'c' ? [] : [name]), ...undoable.toReversed()]);
    });
  },
);

describe('an undo', () => {
  const definition = compiled([
    call('a', {
      output_mapping: { a_id: 'id', shared: 'shared' },
      compensation_action: {
        service_name: 'a',
        endpoint: '/u',
        retry_policy: { max_retries: 1, initial_delay_ms: 1_000, jitter: 0 },
        input_mapping: { id: 'a_id', shared: 'shared', whole: '=output', later: 'order.later' },
      },
    }),
    call('b', { output_mapping: { shared: 'shared' } }),
    call('c'),
  ]);
  const failing = () => {
    const player = new Player(definition).start({ order: {} });
    player.ok('a', { id: 1, shared: 'a' });
    player.ok('b', { shared: 'b' });
    player.status4xx('c');
    return player;
  };

  it('reads the context as of the end of its step, and the answer', () => {
    const player = failing();
    player.ok('b:undo');
    expect(player.calls.at(-1)).toMatchObject({
      purpose: 'undo',
      input: { id: 1, shared: 'a', whole: { id: 1, shared: 'a' } },
      undoes: expect.stringMatching(/:a$/) as string,
      key: expect.stringMatching(/:a:undo$/) as string,
    });
  });

  it('issued again after a take-over says so', () => {
    const player = failing();
    const undo = () => [...player.outstanding.values()];
    expect(undo()).toMatchObject([{ purpose: 'undo', step: 'b', attempt: 1, reissued: false }]);
    player.crash();
    expect(undo()).toMatchObject([{ purpose: 'undo', step: 'b', attempt: 1, reissued: true }]);
  });

  it('of an unknown step has an empty answer to read', () => {
    const player = new Player(definition).start({ order: {} });
    player.timeout('a');
    expect(player.calls.at(-1)).toMatchObject({ purpose: 'undo', input: { whole: {} } });
  });

  it('is retried by its own policy, then parks the run, and keeps the rest waiting', () => {
    const player = failing();
    player.ok('b:undo');
    player.status4xx('a:undo', 503);
    player.due('undo:a:1');
    player.status4xx('a:undo', 503);
    expect(player.events.at(-1)).toMatchObject({
      type: 'IncidentOpened',
      data: { step: 'a', attempts: 2, message: 'HTTP 503: no' },
    });
    expect([...player.outstanding.values()]).toEqual([
      { effect: 'parked', step: 'a', message: 'HTTP 503: no' },
    ]);
    expect(player.status).toBe('compensating');
  });

  it.each([404, 409, 410])('is not done when the answer is %i', (status) => {
    const player = failing();
    player.status4xx('b:undo', status);
    expect(player.events.at(-1)).toMatchObject({ type: 'IncidentOpened', data: { step: 'b' } });
  });

  it('that is parked can be tried again, with a new budget and the old key', () => {
    const player = failing();
    player.status4xx('b:undo');
    const result = player.retry({ max_retries: 1 });
    expect(result).toMatchObject([
      { type: 'RunRetried' },
      { type: 'IncidentResolved', data: { action: 'retry' } },
      { type: 'UndoRetried', data: { attempt: 2 } },
    ]);
    player.status4xx('b:undo', 503);
    player.due('undo:b:2');
    player.ok('b:undo');
    player.ok('a:undo');
    expect(player.status).toBe('compensated');
    expect(
      new Set(player.calls.filter(({ step }) => step === 'b').map(({ key }) => key)).size,
    ).toBe(2);
  });

  it('takes no notice of an earlier attempt while it calls again', () => {
    const player = failing();
    player.ok('b:undo');
    player.timeout('a:undo');
    const late = () =>
      player.say({
        type: 'CallAnswered',
        at: player.at,
        chance: 0,
        data: {
          purpose: 'undo',
          step: 'a',
          attempt: 1,
          result: { kind: 'ok', output: null },
          reissued: false,
        },
      });
    expect(late()).toEqual([]);
    player.due('undo:a:1');
    expect(late()).toEqual([]);
    expect(player.calling).toEqual(['a:undo']);
  });

  it('that cannot be formed parks the run, and does so again', () => {
    const player = new Player(
      compiled([
        call('a', {
          compensation_action: {
            service_name: 'a',
            endpoint: '/u',
            input_mapping: { x: '=output.id' },
          },
        }),
      ]),
    ).start();
    player.timeout('a');
    expect(player.events.at(-1)).toMatchObject({
      type: 'IncidentOpened',
      data: { attempts: 0, kind: 'undo_input' },
    });
    expect(player.retry()).toMatchObject([
      { type: 'RunRetried' },
      { type: 'IncidentResolved', data: { action: 'retry' } },
      { type: 'IncidentOpened' },
    ]);
  });

  it('late answers of which change nothing', () => {
    const player = failing();
    const repeat = () =>
      player.say({
        type: 'CallAnswered',
        at: player.at,
        chance: 0,
        data: {
          purpose: 'undo',
          step: 'b',
          attempt: 1,
          result: { kind: 'ok', output: null },
          reissued: false,
        },
      });
    player.ok('b:undo');
    expect(repeat()).toEqual([]);
    player.ok('a:undo');
    expect(repeat()).toEqual([]);
  });
});

describe('an answer that cannot be mapped', () => {
  it('fails its step, which is undone with that answer', () => {
    const player = new Player(
      compiled([
        call('a', {
          output_mapping: { id: '=output.id' },
          compensation_action: {
            service_name: 'a',
            endpoint: '/u',
            input_mapping: { it: '=output' },
          },
        }),
      ]),
    ).start();
    player.ok('a', { other: 1 });
    expect(player.calls.at(-1)).toMatchObject({ purpose: 'undo', input: { it: { other: 1 } } });
  });
});

describe('a parallel group', () => {
  const definition = compiled([
    call('a'),
    parallel('p', [call('b'), call('c')], [call('d'), call('e')]),
    call('f'),
  ]);
  const begun = () => {
    const player = new Player(definition).start();
    player.ok('a');
    return player;
  };

  it('begins all its branches in one append, and ends with the last of them', () => {
    const player = begun();
    expect(player.calling).toEqual(['b', 'd']);
    player.ok('d');
    player.ok('e');
    player.ok('b');
    const events = player.ok('c').map(({ type }) => type);
    expect(events).toEqual(['StepCompleted', 'ParallelCompleted', 'StepStarted']);
  });

  it('is undone in the order of the log, whatever the branches', () => {
    const player = begun();
    for (const name of ['d', 'b', 'e', 'c']) player.ok(name);
    player.status4xx('f');
    expect(undoAll(player).undone).toEqual(['c', 'e', 'b', 'd', 'a']);
  });

  it('lets a call under way finish, begins nothing new, and then undoes', () => {
    const player = begun();
    player.status4xx('b');
    expect(player.calling).toEqual(['d']);
    expect(player.timers).toEqual([]);
    expect(player.ok('d').map(({ type }) => type)).toEqual([
      'StepCompleted',
      'CompensationStarted',
      'UndoStarted',
    ]);
    expect(undoAll(player).undone).toEqual(['d', 'a']);
  });

  it('gives up a retry of another branch, in doubt if it was', () => {
    const retrying = call('d', { retry_policy: { max_retries: 3, jitter: 0 } });
    const player = new Player(compiled([parallel('p', [call('b')], [retrying])])).start();
    player.timeout('d');
    player.status4xx('b');
    expect(player.timers).toEqual([]);
    expect(undoAll(player).undone).toEqual(['d']);
  });

  it('does not retry while it is being given up', () => {
    const retrying = call('d', { retry_policy: { max_retries: 3 } });
    const player = new Player(compiled([parallel('p', [call('b')], [retrying])])).start();
    player.status4xx('b');
    player.status4xx('d', 503);
    expect(player.status).toBe('failed');
  });

  it('does not begin a branch behind one that fails at once', () => {
    const player = new Player(
      compiled([parallel('p', [call('a', { input_mapping: { x: '=missing' } })], [call('b')])]),
    ).start();
    expect(player.calls).toEqual([]);
    expect(player.status).toBe('failed');
  });

  it('of decisions only completes at once, nested or not', () => {
    const skip = (name: string) => ({ ...delay(name), conditions: 'false' });
    const player = new Player(
      compiled([parallel('p', [parallel('q', [skip('a')], [skip('b')])], [skip('c')])]),
    ).start();
    expect(player.status).toBe('completed');
  });

  it('that was interrupted is undone whole by partial, point of no return or not', () => {
    const player = new Player(
      compiled([call('a'), parallel('p', [call('b'), fixedCall('c')], [call('d')])], {
        compensation_strategy: 'partial',
      }),
    ).start();
    for (const name of ['a', 'b', 'c']) player.ok(name);
    player.status4xx('d');
    expect(undoAll(player).undone).toEqual(['b', 'a']);
  });

  it.each(['bcd', 'dbc', 'bdc'])(
    'that completed (%s) stands whole when partial meets it',
    (order) => {
      const player = new Player(
        compiled(
          [
            call('a'),
            parallel('p', [call('b'), fixedCall('c')], [call('d')]),
            call('e'),
            call('f'),
          ],
          {
            compensation_strategy: 'partial',
          },
        ),
      ).start();
      for (const name of ['a', ...order, 'e']) player.ok(name);
      player.status4xx('f');
      expect(undoAll(player).undone).toEqual(['e']);
      expect(player.events.at(-1)).toMatchObject({
        type: 'WorkflowCompensated',
        data: { standing_steps: expect.arrayContaining(['a', 'b', 'd']) as string[] },
      });
    },
  );

  it('joins the group around it', () => {
    const player = new Player(
      compiled([parallel('p', [parallel('q', [call('a')], [call('b')])], [call('c')]), call('d')]),
    ).start();
    for (const name of ['c', 'a']) player.ok(name);
    expect(player.ok('b').map(({ type }) => type)).toEqual([
      'StepCompleted',
      'ParallelCompleted',
      'ParallelCompleted',
      'StepStarted',
    ]);
  });

  it('a call with an effect for sure is a point of no return, even if its answer is of no use', () => {
    const player = new Player(
      compiled(
        [
          call('a'),
          fixedCall('b', { optional: true, output_mapping: { id: '=output.id' } }),
          call('c'),
          call('d'),
        ],
        { compensation_strategy: 'partial' },
      ),
    ).start();
    for (const name of ['a', 'b', 'c']) player.ok(name);
    player.status4xx('d');
    expect(undoAll(player).undone).toEqual(['c']);
  });

  it('a call that may have had an effect is none', () => {
    const player = new Player(
      compiled([call('a'), fixedCall('b', { optional: true }), call('c')], {
        compensation_strategy: 'partial',
      }),
    ).start();
    player.ok('a');
    player.timeout('b');
    player.status4xx('c');
    expect(undoAll(player).undone).toEqual(['a']);
  });

  it('a reading call is no point of no return', () => {
    const player = new Player(
      compiled([call('a'), fixedCall('b', { method: 'GET' }), call('c')], {
        compensation_strategy: 'partial',
      }),
    ).start();
    player.ok('a');
    player.ok('b');
    player.status4xx('c');
    expect(undoAll(player).undone).toEqual(['a']);
  });
});

describe('the time-out of a workflow', () => {
  it('ends a delay, and undoes', () => {
    const player = new Player(
      compiled([call('a'), delay('wait', 3_000)], { timeout_minutes: 51 }),
    ).start();
    player.ok('a');
    expect(player.due('timeout').map(({ type }) => type)).toEqual([
      'WorkflowTimedOut',
      'WaitAbandoned',
      'CompensationStarted',
      'UndoStarted',
    ]);
    expect(player.timers).toEqual([]);
  });

  it.each<[string, (player: Player) => void, string[]]>([
    ['succeeds', (player) => player.ok('b'), ['b', 'a']],
    ['fails', (player) => player.status4xx('b', 503), ['a']],
    ['does not answer', (player) => player.timeout('b'), ['b', 'a']],
  ])('awaits a call under way, which %s', (_, end, undone) => {
    const player = new Player(compiled([call('a'), call('b'), call('c')])).start();
    player.ok('a');
    player.due('timeout');
    expect(player.calling).toEqual(['b']);
    end(player);
    expect(undoAll(player).undone).toEqual(undone);
    expect(player.events.at(-1)).toMatchObject({ data: { reason: 'the workflow timed out' } });
  });
});

describe('a timer', () => {
  const due = (player: Player, timer_id: string) =>
    player.say({ type: 'TimerDue', at: player.at, data: { timer_id } });

  it('of the workflow means nothing while the run is ending', () => {
    const player = new Player(compiled([parallel('p', [call('a')], [call('b')])])).start();
    player.status4xx('a');
    expect(due(player, 'timeout')).toEqual([]);
    player.ok('b');
    expect(due(player, 'timeout')).toEqual([]);
  });

  it('of an earlier retry means nothing to a later one', () => {
    const retry_policy = { max_retries: 3, jitter: 0 };
    const player = new Player(
      compiled([
        call('a', {
          retry_policy,
          compensation_action: { service_name: 'a', endpoint: '/u', retry_policy },
        }),
      ]),
    ).start();
    player.timeout('a');
    player.due('retry:a:1');
    player.timeout('a');
    expect(due(player, 'retry:a:1')).toEqual([]);
    expect(due(player, 'delay:a')).toEqual([]);
    player.due('timeout');
    player.timeout('a:undo');
    player.due('undo:a:1');
    player.timeout('a:undo');
    expect(due(player, 'undo:a:1')).toEqual([]);
    expect(player.due('undo:a:2')).toMatchObject([{ type: 'UndoRetried', data: { attempt: 3 } }]);
  });

  it('of another kind means nothing to a delay', () => {
    const player = new Player(compiled([delay('a')])).start();
    expect(due(player, 'retry:a:1')).toEqual([]);
  });
});

describe('compensation on demand', () => {
  const completed = () => {
    const player = new Player(chain()).start();
    for (const name of NAMES) player.ok(name);
    return player;
  };

  it('undoes a completed run', () => {
    const player = completed();
    expect(player.compensate()).toMatchObject([
      { type: 'CompensationRequested' },
      { type: 'CompensationStarted', data: { steps: ['e', 'd', 'b', 'a'] } },
      { type: 'UndoStarted' },
    ]);
    expect(undoAll(player).status).toBe('compensated');
    expect(rejectionOf(player.compensate())).toBe('already-compensated');
    expect(rejectionOf(player.retry())).toBe('already-compensated');
  });

  it('undoes named steps, newest first, and the others later', () => {
    const player = completed();
    player.compensate({ compensation_strategy: 'custom', custom_steps: ['a', 'd'] });
    expect(undoAll(player).undone).toEqual(['d', 'a']);
    expect(player.events.at(-1)).toMatchObject({ data: { standing_steps: ['b', 'e'] } });
    player.compensate();
    expect(undoAll(player).undone).toEqual(['d', 'a', 'e', 'b']);
  });

  it('undoes a run that failed with its effects standing', () => {
    const player = new Player(chain({ compensation_strategy: 'none' })).start();
    player.ok('a');
    player.status4xx('b');
    expect(player.status).toBe('failed');
    player.compensate();
    expect(undoAll(player).undone).toEqual(['a']);
    expect(player.status).toBe('compensated');
  });

  it('lets the calls of a running run finish, and undoes them too', () => {
    const player = new Player(chain()).start();
    player.ok('a');
    expect(player.compensate()).toMatchObject([{ type: 'CompensationRequested' }]);
    expect(player.timers).toEqual([]);
    expect(rejectionOf(player.compensate())).toBe('already-compensating');
    player.ok('b');
    expect(rejectionOf(player.compensate())).toBe('already-compensating');
    expect(undoAll(player).undone).toEqual(['b', 'a']);
    expect(player.events.at(-1)).toMatchObject({ data: { reason: 'the customer cancelled' } });
  });

  it('overrides the strategy of a run that is failing', () => {
    const player = new Player(
      compiled([call('a'), parallel('p', [call('b')], [call('c')])], {
        compensation_strategy: 'none',
      }),
    ).start();
    player.ok('a');
    player.status4xx('b');
    player.compensate({ compensation_strategy: 'all' });
    player.ok('c');
    expect(undoAll(player).undone).toEqual(['c', 'a']);
  });

  it('of a run without an effect yet ends it as failed', () => {
    const player = new Player(compiled([delay('wait', 60), call('a')])).start();
    player.compensate();
    expect(player.status).toBe('failed');
  });

  it.each([
    [{ compensation_strategy: 'custom' }, 'custom_steps'],
    [{ custom_steps: ['a'] }, 'custom_steps'],
    [{ compensation_strategy: 'custom', custom_steps: ['a', 'zz'] }, 'custom_steps.1'],
    [{ compensation_strategy: 'custom', custom_steps: ['c'] }, 'custom_steps.0'],
  ])('refuses %j', (request, field) => {
    expect(completed().compensate(request)).toMatchObject({
      code: 'invalid-input',
      errors: [{ field }],
    });
  });

  it('has nothing to do where nothing can be undone', () => {
    const player = new Player(compiled([fixedCall('a')])).start();
    player.ok('a');
    expect(rejectionOf(player.compensate())).toBe('nothing-to-compensate');
  });
});
