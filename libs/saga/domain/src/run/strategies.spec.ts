import { Rejection } from '@downbeat/eventsourcing';
import { call, compiled, delay, fixedCall, parallel, Player } from '../testing';

/** Answers every undo, newest first, until none is called any more. */
function undoAll(player: Player): readonly string[] {
  for (let calling = player.calling[0]; calling; calling = player.calling[0]) player.ok(calling);
  return player.undone;
}
const codeOf = (result: unknown): string =>
  result instanceof Rejection ? result.code : 'accepted';
const partial = { compensation_strategy: 'partial' };

describe('partial, with savepoints', () => {
  const steps = [
    call('a'),
    call('b', { savepoint: 'booked' }),
    call('c'),
    call('d', { savepoint: true }),
    call('e'),
    call('f'),
  ];
  /** Until `name` is called. */
  const upTo = (name: string, more: object = partial) => {
    const player = new Player(compiled(steps, { ...more })).start();
    for (const before of ['a', 'b', 'c', 'd', 'e', 'f']) {
      if (before === name) break;
      player.ok(before);
    }
    return player;
  };

  it.each([
    ['b', ['a']],
    ['c', []],
    ['d', ['c']],
    ['f', ['e']],
  ])('goes back to the newest one passed when %s fails: %j', (failing, undone) => {
    const player = upTo(failing);
    player.status4xx(failing);
    expect(undoAll(player)).toEqual(undone);
    expect(player.status).toBe(undone.length === 0 ? 'failed' : 'compensated');
  });

  it('says which one', () => {
    const player = upTo('f');
    player.status4xx('f');
    expect(player.events).toContainEqual({
      type: 'CompensationStarted',
      data: expect.objectContaining({
        strategy: 'partial',
        to_savepoint: 'd',
        steps: ['e'],
      }) as object,
    });
  });

  it('takes back the step itself when it is not passed: its outcome is unknown', () => {
    const player = upTo('d');
    player.timeout('d');
    expect(undoAll(player)).toEqual(['d', 'c']);
  });

  it('leaves no room for the point of no return, which the savepoints replace', () => {
    const player = new Player(
      compiled([call('a', { savepoint: true }), call('b'), fixedCall('c'), call('d')], partial),
    ).start();
    for (const name of ['a', 'b', 'c']) player.ok(name);
    player.status4xx('d');
    expect(undoAll(player)).toEqual(['b']);
  });

  it('passes one whose step was skipped, decided, waited, or failed and is optional', () => {
    const player = new Player(
      compiled(
        [
          call('a'),
          call('b', { conditions: 'false', savepoint: 'one' }),
          call('c'),
          { ...delay('d', 1), savepoint: 'two' },
          call('e', { optional: true, savepoint: 'three' }),
          call('f'),
        ],
        partial,
      ),
    ).start();
    player.ok('a');
    expect(codeOf(player.compensate({ to_savepoint: 'two' }))).toBe('savepoint-not-passed');
    player.ok('c');
    player.due('delay:d');
    player.status4xx('e');
    player.status4xx('f');
    expect(player.status).toBe('failed');
    player.compensate({ to_savepoint: 'one' });
    expect(undoAll(player)).toEqual(['c']);
  });

  it('takes a group back whole, or leaves it', () => {
    const group = parallel('p', [call('b')], [call('c')]);
    const player = new Player(
      compiled([call('a'), { ...group, savepoint: 'both' }, call('d')], partial),
    ).start();
    player.ok('a');
    player.ok('c');
    player.status4xx('b');
    expect(undoAll(player)).toEqual(['c', 'a']);
  });

  describe('on demand', () => {
    it('goes back to the one that is named, and further the next time', () => {
      const player = upTo('');
      expect(codeOf(player.compensate({ to_savepoint: 'booked' }))).toBe('accepted');
      expect(undoAll(player)).toEqual(['f', 'e', 'd', 'c']);
      expect(player.events.at(-1)).toMatchObject({ data: { standing_steps: ['a', 'b'] } });
      player.compensate({ compensation_strategy: 'all' });
      expect(undoAll(player)).toEqual(['f', 'e', 'd', 'c', 'b', 'a']);
    });

    it('of a running run waits for the call under way', () => {
      const player = upTo('e', {});
      player.compensate({ to_savepoint: 'd' });
      player.ok('e');
      expect(undoAll(player)).toEqual(['e']);
    });

    it.each<[object, string, string]>([
      [{ to_savepoint: 'nowhere' }, 'invalid-input', 'to_savepoint'],
      [{ to_savepoint: 'b' }, 'invalid-input', 'to_savepoint'],
      [{ to_savepoint: 'd', compensation_strategy: 'all' }, 'invalid-input', 'to_savepoint'],
    ])('refuses %j', (more, code, field) =>
      expect(upTo('').compensate({ ...more })).toMatchObject({ code, errors: [{ field }] }),
    );
  });
});

describe('custom, in a definition', () => {
  const definition = () =>
    compiled([call('a'), call('b'), call('c'), call('d')], {
      compensation_strategy: 'custom',
      compensation_steps: ['a', 'c'],
    });

  it('undoes the steps it names, newest first', () => {
    const player = new Player(definition()).start();
    for (const name of ['a', 'b', 'c']) player.ok(name);
    player.status4xx('d');
    expect(undoAll(player)).toEqual(['c', 'a']);
    expect(player.events.at(-1)).toMatchObject({ data: { standing_steps: ['b'] } });
  });

  it('is what undoing on demand means, unless other steps are named', () => {
    const player = new Player(definition()).start();
    for (const name of ['a', 'b', 'c', 'd']) player.ok(name);
    player.compensate({ compensation_strategy: 'custom', custom_steps: ['d'] });
    undoAll(player);
    player.compensate();
    expect(undoAll(player)).toEqual(['d', 'c', 'a']);
  });
});

describe('undo_failed_step', () => {
  const definition = (more: object = {}) =>
    compiled([call('a'), call('b', { undo_failed_step: true, ...more })]);

  it('undoes a step that was called and failed for sure', () => {
    const player = new Player(definition()).start();
    player.ok('a');
    player.status4xx('b');
    expect(player.events).toContainEqual({
      type: 'StepFailed',
      data: expect.objectContaining({ step: 'b', outcome: 'failed', undo: true }) as object,
    });
    expect(undoAll(player)).toEqual(['b', 'a']);
  });

  it('but not one that was never called', () => {
    const player = new Player(definition({ input_mapping: { x: '=missing' } })).start();
    player.ok('a');
    expect(undoAll(player)).toEqual(['a']);
  });

  it('keeps an optional one on the stack', () => {
    const player = new Player(
      compiled([call('a', { undo_failed_step: true, optional: true }), call('b')]),
    ).start();
    player.status4xx('a');
    player.status4xx('b');
    expect(undoAll(player)).toEqual(['a']);
  });
});

describe('what is said about undoing', () => {
  const fixed = fixedCall('b');
  it.each<[string, object[], object, string, string]>([
    [
      'a list without its strategy',
      [call('a')],
      { compensation_steps: ['a'] },
      'compensation_steps',
      'custom',
    ],
    [
      'the strategy without its list',
      [call('a')],
      { compensation_strategy: 'custom' },
      'compensation_steps',
      'needed',
    ],
    [
      'a step that is none',
      [call('a')],
      { compensation_strategy: 'custom', compensation_steps: ['a', 'z'] },
      'compensation_steps.1',
      'no such step',
    ],
    [
      'a step that cannot be undone',
      [call('a'), fixed],
      { compensation_strategy: 'custom', compensation_steps: ['b'] },
      'compensation_steps.0',
      'compensation_action',
    ],
    [
      'a failed step without an undo',
      [{ ...fixed, undo_failed_step: true }],
      {},
      'steps.0.undo_failed_step',
      'needs',
    ],
    [
      'two savepoints of one name',
      [call('a', { savepoint: 'b' }), call('b', { savepoint: true })],
      {},
      'steps.1.savepoint',
      'savepoint of a',
    ],
    [
      'a savepoint inside a branch',
      [parallel('p', [call('a', { savepoint: true })])],
      {},
      'steps.0.branches.0.steps.0.savepoint',
      'outermost',
    ],
  ])('is refused with its place: %s', (_, steps, more, field, message) => {
    let refusal: unknown;
    try {
      compiled(steps as never, more as never);
    } catch (fault) {
      refusal = JSON.parse((fault as Error).message);
    }
    expect(refusal).toEqual([{ field, message: expect.stringContaining(message) as string }]);
  });
});
