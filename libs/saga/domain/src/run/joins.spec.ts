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
import { isStarted } from './state';

const types = (player: Player) => player.events.map(({ type }) => type);
const contextOf = ({ state }: Player) => (isStarted(state) ? state.context : {});
const writing = (key: string) => ({ output_mapping: { [key]: 'id' } });
const retrying = { retry_policy: { max_retries: 3 } };

describe('a parallel step that waits for all', () => {
  it('halts the run when a branch fails: nothing new begins, calls finish, what is done is undone', () => {
    const player = new Player(
      compiled([
        parallel('p', [call('a'), call('a2')], [call('b')], [delay('c'), call('c2')]),
        call('d'),
      ]),
    ).start();
    player.status4xx('b');
    expect(player.timers).toEqual([]);
    expect(player.calling).toEqual(['a']);
    player.ok('a');
    expect(player.calling).toEqual(['a:undo']);
    player.ok('a:undo');
    expect(player.status).toBe('compensated');
  });
});

describe('a parallel step that lets all branches settle', () => {
  const definition = compiled([
    joining('settle', 'p', [call('a', retrying), call('a2')], [call('b')], [delay('c')]),
    call('d'),
  ]);

  it('goes on when none has failed', () => {
    const player = new Player(definition).start();
    player.ok('b');
    player.ok('a');
    player.due('delay:c');
    player.ok('a2');
    expect(player.calling).toEqual(['d']);
  });

  it('fails when the last one is done, with the first failure', () => {
    const player = new Player(definition).start();
    player.status4xx('b', 409);
    player.answer('a', { kind: 'answer', status: 503, message: 'busy' });
    player.due('retry:a:1');
    player.ok('a');
    player.ok('a2');
    expect(player.status).toBe('running');
    player.due('delay:c');
    expect(player.calling).toEqual(['a2:undo']);
    expect(player.events.find(({ type }) => type === 'GroupFailed')?.data).toMatchObject({
      step: 'p',
      reason: 'b failed: HTTP 409: no',
      failed_step: 'b',
    });
    player.ok('a2:undo');
    player.ok('a:undo');
    expect(player.status).toBe('compensated');
  });

  it('cancels what runs beside in the branch that failed, and nothing else', () => {
    const player = new Player(
      compiled([
        joining(
          'settle',
          'p',
          [parallel('q', [call('a')], [call('b', retrying), call('b2')], [delay('c')])],
          [call('d'), call('e')],
        ),
      ]),
    ).start();
    player.status4xx('a');
    expect(player.timers).toEqual(['timeout']);
    // Called once more by nobody: its branch is cancelled.
    player.answer('b', { kind: 'answer', status: 503, message: 'busy' });
    expect(player.timers).toEqual(['timeout']);
    player.ok('d');
    player.ok('e');
    expect(player.calling).toEqual(['e:undo']);
  });

  it('goes on with its failed branches when the run is retried', () => {
    const player = new Player(
      compiled([joining('settle', 'p', [call('a')], [call('b'), call('b2')]), call('d')], {
        compensation_strategy: 'none',
      }),
    ).start();
    player.status4xx('b');
    player.ok('a');
    expect(player.status).toBe('failed');
    player.retry();
    expect(player.calling).toEqual(['b']);
    player.ok('b');
    player.ok('b2');
    expect(player.calling).toEqual(['d']);
  });
});

describe('a race', () => {
  const race = compiled([
    call('before'),
    joining(
      'race',
      'p',
      [call('a', writing('quote')), call('a2')],
      [call('b', writing('quote')), call('b2')],
    ),
    call('d', { input_mapping: { quote: 'quote' } }),
  ]);
  const begun = () => {
    const player = new Player(race).start();
    player.ok('before');
    return player;
  };

  it('is won by the branch that completes first; the others begin nothing more', () => {
    const player = begun();
    player.ok('b', { id: 'from b' });
    player.ok('b2');
    expect(player.calling).toEqual(['a']);
    player.status4xx('a');
    expect(player.calling).toEqual(['d']);
    expect(contextOf(player)).toEqual({ quote: 'from b' });
  });

  it('is gone on behind when what the losers did is undone, newest first', () => {
    const player = begun();
    player.ok('b', { id: 'from b' });
    player.ok('a', { id: 'from a' });
    player.ok('b2');
    expect(player.calling).toEqual(['a2']);
    player.ok('a2');
    expect(player.status).toBe('running');
    expect(player.calling).toEqual(['a2:undo']);
    player.crash().ok('a2:undo');
    expect(player.calling).toEqual(['a:undo']);
    player.ok('a:undo');
    expect(player.calling).toEqual(['d']);
    player.status4xx('d');
    for (const name of ['b2', 'b', 'before']) player.ok(`${name}:undo`);
    expect(player.undone).toEqual(['a2', 'a', 'b2', 'b', 'before']);
    expect(player.status).toBe('compensated');
  });

  it('shows nobody what the losers wrote', () => {
    const player = begun();
    player.ok('a', { id: 'from a' });
    expect(contextOf(player)).toEqual({});
    player.ok('b', { id: 'from b' });
    player.ok('b2');
    expect(contextOf(player)).toEqual({ quote: 'from b' });
  });

  it('undoes a loser whose outcome is unknown, with the context of its own branch', () => {
    const undo = { service_name: 'a', endpoint: '/u', input_mapping: { id: 'quote' } };
    const player = new Player(
      compiled([
        joining(
          'race',
          'p',
          [call('a', { ...writing('quote'), compensation_action: undo }), call('a2')],
          [signalWait('go', { output_mapping: { quote: 'id' } })],
        ),
      ]),
    ).start();
    player.ok('a', { id: 'mine' });
    player.signal('go', { id: 'theirs' });
    player.timeout('a2');
    expect(player.calling).toEqual(['a2:undo']);
    player.ok('a2:undo');
    expect(player.calls.at(-1)?.input).toEqual({ id: 'mine' });
    player.ok('a:undo');
    expect(player.status).toBe('completed');
    expect(contextOf(player)).toEqual({ quote: 'theirs' });
  });

  it('costs nothing where the losers only wait', () => {
    const player = new Player(
      compiled([joining('race', 'p', [signalWait('go')], [delay('nap', 60)]), call('d')]),
    ).start();
    player.due('delay:nap');
    expect(player.calling).toEqual(['d']);
    expect(player.timers).toEqual(['timeout']);
  });

  it('is over before the second branch begins when the first has nothing to wait for', () => {
    const skipped = call('a', { conditions: 'false' });
    const player = new Player(compiled([joining('race', 'p', [skipped], [call('b')])])).start();
    expect(player.status).toBe('completed');
    expect(player.calls).toEqual([]);
  });

  it('goes on without a branch that fails, and undoes what it did', () => {
    const player = begun();
    player.ok('a');
    player.status4xx('a2');
    expect(player.calling).toEqual(['b']);
    player.ok('b', { id: 'from b' });
    player.ok('b2');
    expect(player.calling).toEqual(['a:undo']);
    player.ok('a:undo');
    expect(player.calling).toEqual(['d']);
  });

  it('fails when every branch has, with the first failure', () => {
    const player = begun();
    player.ok('b');
    player.status4xx('b2', 404);
    player.status4xx('a', 409);
    expect(player.calling).toEqual(['b:undo']);
    expect(player.events.find(({ type }) => type === 'GroupFailed')?.data).toMatchObject({
      reason: 'b2 failed: HTTP 404: no',
    });
  });

  it('is held up by an undo that keeps failing, until it is retried; the rest goes on', () => {
    const player = new Player(
      compiled([
        parallel(
          'q',
          [joining('race', 'p', [call('a')], [signalWait('go')]), call('behind')],
          [call('beside'), call('beside2')],
        ),
      ]),
    ).start();
    player.signal('go');
    player.ok('a');
    player.status4xx('a:undo');
    expect(types(player).at(-1)).toBe('IncidentOpened');
    player.ok('beside');
    expect(player.calling).toEqual(['beside2']);
    player.crash();
    player.retry();
    player.ok('a:undo');
    expect([...player.calling].sort()).toEqual(['behind', 'beside2']);
  });

  it('leaves what is not undone yet to the run when that halts', () => {
    const player = begun();
    player.ok('b');
    player.ok('a');
    player.ok('b2');
    player.ok('a2');
    expect(player.calling).toEqual(['a2:undo']);
    player.due('timeout');
    expect(player.calling).toEqual(['a2:undo']);
    player.answer('a2:undo', { kind: 'timeout', message: 'no answer' });
    const started = player.events.find(({ type }) => type === 'CompensationStarted');
    expect(started?.data).toMatchObject({ steps: ['a2', 'b2', 'a', 'b', 'before'] });
    // The same key, and counted on.
    expect(player.calls.at(-1)).toMatchObject({ step: 'a2', attempt: 2 });
  });

  it('goes on undoing when a failed run is retried in the midst of it', () => {
    const player = new Player(
      compiled(
        [
          parallel(
            'q',
            [joining('race', 'p', [call('a'), call('a2')], [signalWait('go')])],
            [call('beside')],
          ),
        ],
        { compensation_strategy: 'none' },
      ),
    ).start();
    player.ok('a');
    player.signal('go');
    player.ok('a2');
    player.status4xx('beside');
    player.ok('a2:undo');
    expect(player.status).toBe('failed');
    player.retry();
    expect([...player.calling].sort()).toEqual(['a:undo', 'beside']);
    player.ok('a:undo');
    player.ok('beside');
    expect(player.status).toBe('completed');
    expect(player.undone).toEqual(['a2', 'a']);
  });

  describe('that is passed over while its losers are undone', () => {
    const none = { compensation_strategy: 'none' };
    const passing = (...behind: Parameters<typeof compiled>[0]) => {
      const player = new Player(
        compiled([joining('race', 'p', [call('a')], [signalWait('go')]), ...behind], none),
      ).start();
      player.signal('go');
      player.ok('a');
      player.status4xx('a:undo');
      player.due('timeout');
      expect(player.status).toBe('failed');
      return player;
    };
    const from = (from_step: number) => ({ retry_strategy: 'from_step', from_step });
    const standing = ({ state }: Player) =>
      isStarted(state) ? state.effects.map(({ step }) => step) : [];

    it('leaves what they did to stand, and to be undone on demand', () => {
      const player = passing(call('d'));
      player.retry(from(4));
      expect(player.calling).toEqual(['d']);
      player.crash();
      player.ok('d');
      expect(player.status).toBe('completed');
      expect(standing(player)).toEqual(['a', 'd']);
      player.compensate();
      player.ok('d:undo');
      expect(player.calls.at(-1)).toMatchObject({ step: 'a', attempt: 2 });
    });

    it.each([
      ['has something to undo', call('c'), ['c:undo'], ['a', 'd']],
      ['has nothing to undo', fixedCall('c'), ['d'], ['a', 'c', 'd']],
    ])('keeps no later race waiting, whether that %s', (_, loser, then, left) => {
      const player = passing(joining('race', 'r', [loser], [signalWait('go2')]), call('d'));
      player.retry(from(4));
      player.signal('go2');
      player.ok('c');
      expect(player.calling).toEqual(then);
      if (then[0] === 'c:undo') player.ok('c:undo');
      player.crash();
      player.ok('d');
      expect(player.status).toBe('completed');
      expect(standing(player)).toEqual(left);
    });

    it.each([3, undefined])(
      'keeps it waiting under earlier rules (%s), as their logs say',
      (rules) => {
        const player = new Player(
          compiled(
            [
              joining('race', 'p', [call('a')], [signalWait('go')]),
              joining('race', 'r', [call('c')], [signalWait('go2')]),
            ],
            none,
          ),
        );
        player.rules = rules;
        player.start();
        player.signal('go');
        player.ok('a');
        player.status4xx('a:undo');
        player.due('timeout');
        player.retry(from(4));
        player.signal('go2');
        player.ok('c');
        expect(player.status).toBe('running');
        expect(player.calling).toEqual([]);
      },
    );

    it('goes on nowhere inside of what was passed over with it', () => {
      const player = new Player(
        compiled(
          [
            parallel(
              'q',
              [joining('race', 'p', [call('a')], [signalWait('go')]), call('behind')],
              [call('beside')],
            ),
            joining('race', 'r', [call('c')], [signalWait('go2')]),
            call('e'),
          ],
          none,
        ),
      ).start();
      player.signal('go');
      player.ok('a');
      player.status4xx('beside');
      player.timeout('a:undo');
      expect(player.status).toBe('failed');
      player.retry(from(7));
      expect(player.calling).toEqual(['c']);
      player.signal('go2');
      player.ok('c');
      player.ok('c:undo');
      expect(player.calling).toEqual(['e']);
      player.ok('e');
      expect(player.status).toBe('completed');
      expect(types(player)).not.toContain('WorkflowCompensated');
    });
  });

  it('waits for another race that is undoing already', () => {
    const player = new Player(
      compiled([
        parallel(
          'q',
          [joining('race', 'p1', [call('a')], [signalWait('go1')])],
          [joining('race', 'p2', [call('b')], [signalWait('go2')]), fixedCall('c')],
        ),
      ]),
    ).start();
    player.signal('go1');
    player.signal('go2');
    player.ok('b');
    player.ok('a');
    expect(player.calling).toEqual(['b:undo']);
    player.ok('b:undo');
    expect([...player.calling].sort()).toEqual(['a:undo', 'c']);
  });

  it('gives up a loser that waits for its turn, and one that says so later', () => {
    const player = begun();
    player.hold('a');
    player.ok('b');
    player.ok('b2');
    expect(player.calling).toEqual(['d']);

    const late = begun();
    late.ok('b');
    late.ok('b2');
    late.hold('a');
    expect(late.calling).toEqual(['d']);
  });

  it('gives up an undo that waits for its turn when the run halts, and calls it in its turn', () => {
    const player = begun();
    player.ok('b');
    player.ok('a');
    player.ok('b2');
    player.ok('a2');
    player.hold('a2:undo');
    player.due('timeout');
    expect(player.status).toBe('compensating');
    expect(player.calls.at(-1)).toMatchObject({ step: 'a2', attempt: 2 });
  });
});
