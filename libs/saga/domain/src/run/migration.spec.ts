import { Rejection, type JsonObject } from '@downbeat/eventsourcing';
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
import { evolveRunView, stepRows, type RunView } from '../views/run-view';
import { planMigration } from './migration';
import { isStarted } from './state';

type Steps = Parameters<typeof compiled>[0];
const later = (steps: Steps, more = {}) => compiled(steps, { version: '2.0.0', ...more });
const told = (result: unknown) =>
  result instanceof Rejection
    ? [result.code, ...result.errors.map(({ field }) => field)]
    : 'accepted';
const reasons = (result: unknown) =>
  result instanceof Rejection ? result.errors.map(({ message }) => message).join('; ') : '';
const playing = (steps: Steps, more = {}, context: JsonObject = {}) =>
  new Player(compiled(steps, more)).start(context);
const retried = { retry_policy: { max_retries: 2, initial_delay_ms: 100 } };
const map = (steps: Steps, more = {}) => ({
  name: 'each',
  type: 'map',
  items: 'orders',
  collect: { ids: 'id' },
  steps,
  ...more,
});

describe('a run that migrates', () => {
  it('goes on by the other version where it stands', () => {
    const player = playing([call('a'), call('b')]);
    player.ok('a');
    expect(told(player.migrate(later([call('a'), call('b'), call('c')])))).toBe('accepted');
    player.ok('b');
    expect(player.calling).toEqual(['c']);
    player.ok('c');
    expect(player.status).toBe('completed');
  });

  it('says what it goes by from then on, and what it began with', () => {
    const player = playing([call('a')]);
    player.migrate(later([call('a'), call('b')], { compensation_strategy: 'none' }));
    expect(player.appends.at(-1)).toMatchObject([
      {
        type: 'WorkflowMigrated',
        data: {
          from_version: '1.0.0',
          to_version: '2.0.0',
          checksum: 'sum of 2.0.0',
          reason: 'a better one',
          compensation_strategy: 'none',
          total_steps: 2,
        },
      },
    ]);
    expect(player.events.at(-1)?.data).not.toHaveProperty('place');
    expect(isStarted(player.state) && player.state.started.workflow_version).toBe('1.0.0');
    player.status4xx('a');
    expect(player.status).toBe('failed');
  });

  it('is asked once: what holds is no change', () => {
    const player = playing([call('a')]);
    const to = later([call('a')]);
    player.migrate(to);
    expect(player.migrate(to)).toEqual([]);
  });

  it('survives its process', () => {
    const player = playing([call('a'), call('b')]);
    player.migrate(later([call('a'), call('c')]));
    player.crash();
    player.ok('a');
    expect(player.calling).toEqual(['c']);
  });

  it('is the same run to whoever starts it once more, with the version it began with', () => {
    const player = playing([call('a')], {}, { order: 1 });
    player.migrate(later([call('a')]));
    player.start({ order: 1 }, { workflow_version: '1.0.0' });
    expect(player.appends).toHaveLength(2);
  });

  it('is at work again when it was archived, and is refused when it was purged', () => {
    const player = playing([call('a')], { compensation_strategy: 'none' });
    player.status4xx('a');
    player.archive();
    player.migrate(later([call('a', { endpoint: '/a/v2' })]));
    expect(player.appends.at(-1)?.map(({ type }) => type)).toEqual([
      'WorkflowRestored',
      'WorkflowMigrated',
    ]);
    player.archive();
    expect(player.events.at(-1)?.data).toMatchObject({ run: { workflow_version: '2.0.0' } });
    player.purge();
    expect(told(player.migrate(later([call('a')], { version: '3.0.0' })))).toEqual([
      'workflow-purged',
    ]);
  });

  it('can go back', () => {
    const player = playing([call('a'), call('b')]);
    player.migrate(later([call('a'), call('c')]));
    expect(told(player.migrate(compiled([call('a'), call('b')])))).toBe('accepted');
    player.ok('a');
    expect(player.calling).toEqual(['b']);
  });

  it.each([
    ['completed', [call('a')], (player: Player) => player.ok('a'), 'workflow-ended'],
    [
      'compensated',
      [call('a'), call('b')],
      (player: Player) => {
        player.ok('a');
        player.status4xx('b');
        player.ok('a:undo');
      },
      'workflow-ended',
    ],
    [
      'ending',
      [parallel('p', [call('a')], [call('b')])],
      (player: Player) => player.status4xx('a'),
      'workflow-ending',
    ],
  ])('does not when it is %s', (_, steps, play, code) => {
    const player = playing(steps as Steps);
    play(player);
    expect(told(player.migrate(later(steps as Steps)))).toEqual([code]);
  });

  it('shows the places of its steps as they are now', () => {
    const player = playing([
      { name: 'd', type: 'decision', cases: [{ when: 'true', goto: 'b' }] },
      call('a'),
      call('b'),
    ]);
    const to = later([
      { name: 'd', type: 'decision', cases: [{ when: 'true', goto: 'b' }] },
      call('a'),
      call('a2'),
      call('b'),
      call('c'),
    ]);
    player.migrate(to);
    expect(player.events.at(-1)?.data).toMatchObject({ places: { b: 4 }, place: 4 });
    const view = player.events.reduce<RunView | undefined>(evolveRunView, undefined);
    expect(view).toMatchObject({ workflow_version: '2.0.0', total_steps: 5 });
    const rows = view ? stepRows(view, to) : [];
    expect(rows.map(({ step_name, step_order }) => [step_name, step_order])).toContainEqual([
      'b',
      4,
    ]);
  });
});

describe('the steps of a run that migrates', () => {
  const after = (steps: Steps, play: (player: Player) => void, to: Steps, context = {}) => {
    const player = playing(steps, {}, context);
    play(player);
    return player.migrate(later(to));
  };
  const first = (player: Player) => player.ok('a');

  it('cannot be in another order once they are done', () => {
    const play = (player: Player) => {
      player.ok('a');
      player.ok('b');
    };
    const to = [call('b'), call('a'), call('c')];
    expect(after([call('a'), call('b'), call('c')], play, to)).toMatchObject({
      code: 'migration-impossible',
      errors: [{ field: 'b', message: expect.stringContaining('after a') }],
    });
  });

  it.each<[string, Steps, Steps, string | readonly string[]]>([
    ['added ahead', [call('a'), call('b')], [call('a'), call('b'), call('c')], 'accepted'],
    ['removed ahead', [call('a'), call('b'), call('c')], [call('a'), call('b')], 'accepted'],
    [
      'reordered ahead',
      [call('a'), call('b'), call('c'), call('d')],
      [call('a'), call('b'), call('d'), call('c')],
      'accepted',
    ],
    [
      'added before what was reached',
      [call('a'), call('b')],
      [call('a'), call('new'), call('b')],
      ['migration-impossible', 'new'],
    ],
    [
      'removed after it was done',
      [call('a'), call('b')],
      [call('b')],
      ['migration-impossible', 'a'],
    ],
    [
      'reordered though reached',
      [call('a'), call('b')],
      [call('b'), call('a')],
      ['migration-impossible', 'a'],
    ],
    [
      'renamed while called',
      [call('a'), call('b')],
      [call('a'), call('other')],
      ['migration-impossible', 'b'],
    ],
    [
      'of another type now',
      [call('a'), call('b')],
      [delay('a'), call('b')],
      ['migration-impossible', 'a'],
    ],
    [
      'called elsewhere, though under way',
      [call('a'), call('b')],
      [call('a'), call('b', { endpoint: '/b/v2' })],
      ['migration-impossible', 'b'],
    ],
    [
      'called elsewhere, but done',
      [call('a'), call('b')],
      [call('a', { endpoint: '/a/v2' }), call('b')],
      'accepted',
    ],
    [
      'that moved into a branch',
      [call('a'), call('b')],
      [parallel('p', [call('a')], [call('c')]), call('b')],
      ['migration-impossible', 'a'],
    ],
    [
      'that can be undone no more',
      [call('a'), call('b')],
      [fixedCall('a'), call('b')],
      ['migration-impossible', 'a'],
    ],
    ['that can be undone now', [fixedCall('a'), call('b')], [call('a'), call('b')], 'accepted'],
    [
      'that should have written more',
      [call('a'), call('b')],
      [
        call('a', { output_mapping: { a_ref: 'id' } }),
        call('b', { input_mapping: { r: 'a_ref' } }),
      ],
      ['migration-impossible', 'a'],
    ],
    [
      'whose undo cannot be formed',
      [call('a'), call('b')],
      [
        call('a', {
          compensation_action: {
            service_name: 'a',
            endpoint: '/a/undo',
            input_mapping: { id: '=output.id + 1' },
          },
        }),
        call('b'),
      ],
      ['migration-impossible', 'a'],
    ],
  ])('may be %s, or not', (_, from, to, expected) =>
    expect(told(after(from, first, to))).toEqual(expected),
  );

  it('keep the way that a decision took', () => {
    const decision = (...gotos: readonly string[]) => ({
      name: 'd',
      type: 'decision',
      cases: gotos.map((goto) => ({ when: `amount > ${goto.length}`, goto })),
      default: 'end',
    });
    const from = [decision('c'), call('b', { next: 'end' }), call('c')];
    const refused = [
      decision('b', 'x'),
      call('b', { next: 'end' }),
      call('x', { next: 'c' }),
      call('c'),
    ];
    const nothing = () => undefined;
    const big = { amount: 100 };
    const reached = [
      { name: 'd', type: 'decision', cases: [{ when: 'amount > 1', goto: 'c' }] },
      call('b'),
      call('c'),
    ];
    expect(told(after(reached, nothing, reached.with(1, call('b2')), big))).toBe('accepted');
    expect(from).toHaveLength(3);
    expect(told(after(reached, nothing, refused, big))).toEqual(['migration-impossible', 'd']);
  });

  it('that were skipped let nothing new come between', () => {
    const skipped = call('s', { conditions: 'false' });
    const from = [skipped, call('b')];
    expect(told(after(from, () => undefined, [skipped, call('n'), call('b')]))).toEqual([
      'migration-impossible',
      's',
    ]);
    expect(told(after(from, () => undefined, [skipped, call('b'), call('n')]))).toBe('accepted');
  });

  it('that were caught go on where they are caught in both', () => {
    const caught = (goto: string) => call('a', { on_error: [{ match: ['any'], goto }] });
    const steps = (goto: string) => [caught(goto), call('b'), call('c'), call('d')];
    const fail = (player: Player) => player.status4xx('a');
    expect(told(after(steps('c'), fail, [...steps('c'), call('e')]))).toBe('accepted');
    expect(told(after(steps('c'), fail, steps('d')))).toEqual(['migration-impossible', 'a']);
  });

  it('that wait for a signal wait for the same one', () => {
    const to = [signalWait('go', { signal: 'start' })];
    expect(told(after([signalWait('go')], () => undefined, to))).toEqual([
      'migration-impossible',
      'go',
    ]);
  });

  it('leave no signal that was received without anybody to wait for it', () => {
    const early = (player: Player) => void player.signal('go');
    const from = [call('a'), signalWait('go')];
    expect(told(after(from, early, [call('a'), call('b')]))).toEqual([
      'migration-impossible',
      'signals.go',
    ]);
    expect(told(after(from, early, [call('a'), call('b'), signalWait('go')]))).toBe('accepted');
  });

  it('keep the times that were set', () => {
    const player = playing([delay('wait', 60), call('b')]);
    player.migrate(later([delay('wait', 5), call('b')], { timeout_minutes: 600 }));
    player.crash();
    expect(player.timers.toSorted()).toEqual(['delay:wait', 'timeout']);
    const { now } = player;
    player.due('delay:wait');
    expect(player.now - now).toBe(60_000);
  });

  it('count the retries of a call under way by the new policy', () => {
    const player = playing([call('a', retried)]);
    player.status4xx('a', 503);
    player.due('retry:a:1');
    player.status4xx('a', 503);
    player.due('retry:a:2');
    player.migrate(later([call('a', { retry_policy: { max_retries: 1, initial_delay_ms: 100 } })]));
    player.status4xx('a', 503);
    player.due('retry:a:3');
    expect(player.calling).toEqual(['a']);
    player.status4xx('a', 503);
    expect(player.status).toBe('failed');
  });

  it('that begin another workflow are refused when they began one', () =>
    expect(
      told(after([child('sub')], () => undefined, [child('sub', { workflow_name: 'third' })])),
    ).toEqual(['migration-impossible', 'sub']));

  it('are listed, each with what becomes of it', () => {
    const player = playing([call('a'), call('b'), call('c')]);
    player.ok('a');
    const to = later([call('a'), call('b', { endpoint: '/other' }), call('n')]);
    if (!isStarted(player.state)) throw new Error('it was started');
    const { steps } = planMigration(player.definition, to, player.state);
    expect(steps).toEqual([
      { step: 'a', fate: 'kept' },
      { step: 'b', fate: 'refused', message: 'was called, and would be called elsewhere' },
      { step: 'n', fate: 'added' },
      { step: 'c', fate: 'removed' },
    ]);
  });
});

describe('a call that failed for sure', () => {
  const wrong = [call('a', { ...retried, input_mapping: { card: 'card' } })];
  const right = later([
    call('a', { ...retried, endpoint: '/a/v2', input_mapping: { card: 'card' } }),
  ]);

  it('is another one, under a key of its own, when the run waits to retry it', () => {
    const player = playing(wrong, {}, { card: 'x' });
    player.status4xx('a', 503);
    expect(told(player.migrate(right))).toBe('accepted');
    player.crash();
    player.due('retry:a:1');
    const effect = player.outstanding.get(`${RUN_ID}:a:2`);
    expect(effect).toMatchObject({ endpoint: '/a/v2', key: `${RUN_ID}:a:2`, attempt: 2 });
    player.ok('a:2');
    expect(player.status).toBe('completed');
  });

  it('stays what it is when nothing about it changes', () => {
    const player = playing(wrong, {}, { card: 'x' });
    player.status4xx('a', 503);
    player.migrate(later([...wrong, call('b')]));
    player.due('retry:a:1');
    expect(player.calling).toEqual(['a']);
  });

  it('is another one when the failed run is retried', () => {
    const player = playing(wrong, {}, { card: 'x' });
    player.status4xx('a', 404);
    expect(player.status).toBe('failed');
    expect(told(player.migrate(right))).toBe('accepted');
    expect(player.status).toBe('failed');
    player.retry();
    expect(player.calling).toEqual(['a:2']);
  });

  it('may not change as soon as it may have had an effect', () => {
    const player = playing(wrong, {}, { card: 'x' });
    player.timeout('a');
    expect(reasons(player.migrate(right))).toBe('was called, and would be called elsewhere');
  });

  it('is refused when its input cannot be formed by the new definition', () => {
    const player = playing(wrong, {}, { card: 'x' });
    player.status4xx('a', 503);
    const bad = later([call('a', { ...retried, input_mapping: { card: '=card + 1' } })]);
    expect(reasons(player.migrate(bad))).toContain('its input cannot be formed');
  });
});

describe('a call that failed for sure after one that had its effect', () => {
  const had = {
    ...retried,
    input_mapping: { card: 'card' },
    output_mapping: { id: '=output.n + 1' },
  };
  const begun = (status: number) => {
    const player = playing([call('a', had)], { compensation_strategy: 'none' }, { card: 'x' });
    player.ok('a', { n: 'text' });
    player.retry();
    player.status4xx('a', status);
    return player;
  };
  const none = { compensation_strategy: 'none' };

  it.each([409, 503])('may not be made elsewhere (%d)', (status) => {
    const player = begun(status);
    const to = later([call('a', { ...had, endpoint: '/other' })], none);
    expect(reasons(player.migrate(to))).toBe('was called, and would be called elsewhere');
  });

  it.each([409, 503])('keeps its input and its key by another input mapping (%d)', (status) => {
    const player = begun(status);
    const to = later([call('a', { ...had, input_mapping: { paper: 'card' } })], none);
    expect(told(player.migrate(to))).toBe('accepted');
    expect(player.events.at(-1)?.data).not.toHaveProperty('anew');
    player.crash();
    if (status === 409) player.retry();
    else player.due('retry:a:2');
    expect(player.outstanding.get(`${RUN_ID}:a`)).toMatchObject({
      key: `${RUN_ID}:a`,
      input: { card: 'x' },
      attempt: 3,
    });
    expect(player.calling).toEqual(['a']);
  });

  it('keeps both when an earlier migration said otherwise', () => {
    const player = begun(409);
    player.migrate(later([call('a', { ...had, input_mapping: { paper: 'card' } })], none));
    const last = player.appends.at(-1)?.[0];
    if (last?.type !== 'WorkflowMigrated') throw new Error('not migrated');
    const said = { ...last, data: { ...last.data, anew: ['a'] } };
    player.appends.splice(-1, 1, [said]);
    player.crash();
    player.retry();
    expect(player.calling).toEqual(['a']);
  });

  it('is one effect, which is undone once', () => {
    const player = begun(409);
    player.migrate(later([call('a', { ...had, output_mapping: {} }), call('b')]));
    player.retry();
    player.ok('a', { n: 1 });
    player.status4xx('b');
    expect(player.outstanding.get(`${RUN_ID}:a:undo`)).toMatchObject({ undoes: `${RUN_ID}:a` });
    player.ok('a:undo');
    expect(player.status).toBe('compensated');
  });
});

describe('a run that is being undone', () => {
  const undoAt = (endpoint: string, more = {}) =>
    call('a', {
      compensation_action: {
        service_name: 'a',
        endpoint,
        retry_policy: { max_retries: 0 },
        ...more,
      },
    });
  const stuck = () => {
    const player = playing([undoAt('/wrong'), call('b')]);
    player.ok('a', { id: 7 });
    player.status4xx('b');
    return player;
  };

  it('goes on with the undo of the other version, under a key of its own, when a person says so', () => {
    const player = stuck();
    player.status4xx('a:undo', 404);
    const to = later([undoAt('/right', { input_mapping: { id: 'output.id' } }), call('b')]);
    expect(told(player.migrate(to))).toBe('accepted');
    expect(player.calling).toEqual([]);
    player.crash();
    player.resolve('retry');
    expect(player.outstanding.get(`${RUN_ID}:a:undo:2`)).toMatchObject({
      endpoint: '/right',
      input: { id: 7 },
      undoes: `${RUN_ID}:a`,
      attempt: 2,
    });
    player.crash();
    player.status4xx('a:undo:2', 503);
    player.retry();
    expect(player.calling).toEqual(['a:undo:2']);
    player.ok('a:undo:2');
    expect(player.status).toBe('compensated');
  });

  it('keeps its plan: what only the other version can undo stands, says so, and can be asked for', () => {
    const player = playing([call('a'), fixedCall('b'), call('c'), call('d')]);
    for (const name of ['a', 'b', 'c']) player.ok(name);
    player.status4xx('d');
    expect(told(player.migrate(later(['a', 'b', 'c', 'd'].map((name) => call(name)))))).toBe(
      'accepted',
    );
    player.crash();
    player.ok('c:undo');
    expect(player.calling).toEqual(['a:undo']);
    player.ok('a:undo');
    expect(player.appends.at(-1)?.at(-1)).toMatchObject({
      type: 'WorkflowCompensated',
      data: { standing_steps: ['b'] },
    });
    player.compensate({ compensation_strategy: 'all' });
    player.ok('b:undo');
    expect(player.status).toBe('compensated');
    expect(player.appends.at(-1)?.at(-1)?.data).toMatchObject({ standing_steps: [] });
  });

  it('is refused while that undo is called, and when it may have taken effect', () => {
    const to = later([undoAt('/right'), call('b')]);
    const player = stuck();
    expect(told(player.migrate(to))).toEqual(['migration-impossible', 'a']);
    player.timeout('a:undo');
    expect(told(player.migrate(to))).toEqual(['migration-impossible', 'a']);
    expect(told(player.migrate(later([undoAt('/wrong'), call('b')])))).toBe('accepted');
    player.retry();
    player.ok('a:undo');
    expect(player.status).toBe('compensated');
  });

  it.each([
    ['is called', () => undefined],
    ['waits to be called again', (player: Player) => player.timeout('a:undo')],
  ])('is refused another input of the undo that %s', (_, play) => {
    const again = { retry_policy: { max_retries: 2, initial_delay_ms: 100 } };
    const wrong = undoAt('/undo', { ...again, input_mapping: { id: 'output.wrong' } });
    const player = playing([wrong, call('b')]);
    player.ok('a', { id: 7, wrong: 8 });
    player.status4xx('b');
    play(player);
    const right = undoAt('/undo', { ...again, input_mapping: { id: 'output.id' } });
    expect(reasons(player.migrate(later([right, call('b')])))).toBe(
      'is being undone, and would be undone otherwise',
    );
    const same = undoAt('/undo', { input_mapping: { id: 'output.wrong' } });
    expect(told(player.migrate(later([same, call('b')])))).toBe('accepted');
  });

  describe('again, after a call that may have taken effect', () => {
    const to = later([undoAt('/right'), call('b')]);
    const asked = (play: (player: Player) => void) => {
      const player = stuck();
      play(player);
      player.resolve('skip');
      expect(player.status).toBe('compensated');
      player.compensate();
      player.status4xx('a:undo', 404);
      return player;
    };

    it('is refused another undo', () => {
      const player = asked((first) => first.timeout('a:undo'));
      expect(told(player.migrate(to))).toEqual(['migration-impossible', 'a']);
      player.crash();
      expect(told(player.migrate(to))).toEqual(['migration-impossible', 'a']);
      expect(told(player.migrate(later([undoAt('/wrong'), call('b')])))).toBe('accepted');
    });

    it('is refused another undo, when it was held after it may have been sent', () => {
      const player = asked((first) => {
        first.crash();
        first.hold('a:undo');
        first.crash();
        first.release('a:undo');
        first.status4xx('a:undo', 404);
      });
      expect(told(player.migrate(to))).toEqual(['migration-impossible', 'a']);
    });

    it('may have another undo when every call failed for sure', () => {
      const player = asked((first) => first.status4xx('a:undo', 404));
      expect(told(player.migrate(to))).toBe('accepted');
    });
  });

  it('is not asked which way it came', () => {
    const player = stuck();
    const to = later([call('new'), undoAt('/wrong'), call('b')]);
    expect(told(player.migrate(to))).toBe('accepted');
  });

  it('can be undone by what the new version says to keep', () => {
    const player = playing([call('a'), call('b'), call('c')]);
    player.ok('a');
    player.ok('b');
    const to = later([call('a', { savepoint: true }), call('b'), call('c')], {
      compensation_strategy: 'partial',
    });
    player.migrate(to);
    player.status4xx('c');
    player.ok('b:undo');
    expect(player.status).toBe('compensated');
    expect(player.undone).toEqual(['b']);
  });
});

describe('branches and items of a run that migrates', () => {
  const both = (...branches: readonly Steps[]) => [parallel('p', ...branches), call('z')];
  const half = (to: Steps, from = both([call('a')], [call('b')])) => {
    const player = playing(from);
    player.ok('a');
    return player.migrate(later(to));
  };

  it('may get more to do where they are under way', () =>
    expect(told(half(both([call('a')], [call('b'), call('c')])))).toBe('accepted'));

  it('are refused more behind the end of a branch that is done', () =>
    expect(told(half(both([call('a'), call('n')], [call('b')])))).toEqual([
      'migration-impossible',
      'n',
    ]));

  it('are refused another branch, or another join', () => {
    expect(told(half(both([call('a')], [call('b')], [call('c')])))).toEqual([
      'migration-impossible',
      'p',
    ]);
    const settled = [joining('settle', 'p', [call('a')], [call('b')]), call('z')];
    expect(told(half(settled))).toEqual(['migration-impossible', 'p']);
  });

  it('may do more for items that are not done', () => {
    const from = [map([call('a', { output_mapping: { id: 'id' } })], { concurrency: 1 })];
    const player = playing(from, {}, { orders: ['x', 'y'] });
    const more = [
      map([call('a', { output_mapping: { id: 'id' } }), call('b')], { concurrency: 1 }),
    ];
    expect(told(player.migrate(later(more)))).toBe('accepted');
    player.ok('a#0', { id: 1 });
    expect(player.calling).toEqual(['b#0']);
  });

  it('may not do more for items that are done, nor collect something else', () => {
    const step = call('a', { output_mapping: { id: 'id' } });
    const player = playing([map([step], { concurrency: 1 })], {}, { orders: ['x', 'y'] });
    player.ok('a#0', { id: 1 });
    const more = [map([step, call('b')], { concurrency: 1 })];
    expect(told(player.migrate(later(more)))).toEqual(['migration-impossible', 'b']);
    const other = [map([step], { concurrency: 1, collect: { numbers: 'id' } })];
    expect(told(player.migrate(later(other)))).toEqual(['migration-impossible', 'each']);
  });

  it('are followed to their end by the new definition in a pause too', () => {
    const player = playing([call('a'), call('b')]);
    player.pause();
    player.ok('a');
    expect(told(player.migrate(later([call('a'), call('n')])))).toBe('accepted');
    player.resume();
    expect(player.calling).toEqual(['n']);
  });
});
