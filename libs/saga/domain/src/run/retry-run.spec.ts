import { Rejection } from '@downbeat/eventsourcing';
import { call, compiled, delay, fixedCall, parallel, Player } from '../testing';

const codeOf = (result: unknown): string =>
  result instanceof Rejection ? result.code : 'accepted';

const names = (player: Player): readonly string[] => player.calls.map(({ step }) => step);

describe('the retry of a failed run', () => {
  const definition = compiled(
    [
      call('a', { output_mapping: { a_id: 'id' } }),
      { name: 'd', type: 'decision', cases: [{ when: 'a_id == 1', goto: 'b' }], default: 'end' },
      call('b', { retry_policy: { max_retries: 1, initial_delay_ms: 1_000, jitter: 0 } }),
      call('c'),
      call('e'),
    ],
    { compensation_strategy: 'none' },
  );
  const failed = () => {
    const player = new Player(definition).start();
    player.ok('a', { id: 1 });
    player.status4xx('b');
    return player;
  };

  it.each(['failed_steps', 'current_step'])(
    '%s calls what failed again, and nothing else',
    (retry_strategy) => {
      const player = failed();
      player.now += 3_600_000;
      expect(player.retry({ retry_strategy })).toMatchObject([
        { type: 'RunRetried', data: { timeout_at: '2026-03-01T11:30:00.000Z' } },
        { type: 'StepRetried', data: { step: 'b', attempt: 2 } },
      ]);
      expect(player.timers).toEqual(['timeout']);
      player.ok('b');
      player.ok('c');
      player.ok('e');
      expect(player.status).toBe('completed');
      expect(names(player)).toEqual(['a', 'b', 'b', 'c', 'e']);
      expect(player.calls[1]?.key).toBe(player.calls[2]?.key);
    },
  );

  it('gives a fresh budget, or the one it is told', () => {
    const player = failed();
    player.retry();
    player.status4xx('b', 503);
    player.due('retry:b:2');
    player.status4xx('b', 503);
    expect(player.status).toBe('failed');
    player.retry({ max_retries: 0 });
    player.status4xx('b', 503);
    expect(player.status).toBe('failed');
    expect(player.calls.map(({ attempt }) => attempt)).toEqual([1, 1, 2, 3, 4]);
  });

  it('keeps a doubt, until a call succeeds', () => {
    const doubtful = new Player(definition).start();
    doubtful.ok('a', { id: 1 });
    doubtful.timeout('b');
    doubtful.due('retry:b:1');
    doubtful.timeout('b');
    doubtful.retry();
    doubtful.status4xx('b');
    expect(doubtful.events).toContainEqual(
      expect.objectContaining({
        type: 'StepFailed',
        data: expect.objectContaining({ attempts: 3, outcome: 'unknown' }) as object,
      }),
    );
    doubtful.retry();
    doubtful.ok('b');
    doubtful.status4xx('c');
    expect(doubtful.compensate()).toMatchObject([
      { type: 'CompensationRequested' },
      { type: 'CompensationStarted', data: { steps: ['b', 'a'] } },
      { type: 'UndoStarted' },
    ]);
    doubtful.ok('b:undo');
    doubtful.ok('a:undo');
    expect(doubtful.undone).toEqual(['b', 'a']);
  });

  it('does not come back to an optional step that failed', () => {
    const player = new Player(
      compiled([call('a', { optional: true }), call('b')], { compensation_strategy: 'none' }),
    ).start();
    player.status4xx('a');
    player.status4xx('b');
    player.retry();
    expect(player.calling).toEqual(['b']);
  });

  it('from a step that failed is the same', () => {
    const player = failed();
    player.retry({ retry_strategy: 'from_step', from_step: 3 });
    expect(player.calling).toEqual(['b']);
  });

  it('from a step ahead passes over what failed, and says so', () => {
    const player = failed();
    expect(player.retry({ retry_strategy: 'from_step', from_step: 5 })).toMatchObject([
      { type: 'RunRetried', data: { from_step: 5 } },
      { type: 'StepSkipped', data: { step: 'b', reason: 'passed-over', goto: 'e' } },
      { type: 'StepStarted', data: { step: 'e' } },
    ]);
    player.status4xx('e');
    player.retry();
    player.ok('e');
    expect(player.status).toBe('completed');
    expect(names(player)).toEqual(['a', 'b', 'e', 'e']);
  });

  it.each([
    [{ retry_strategy: 'from_step' }, 'invalid-input'],
    [{ from_step: 1 }, 'invalid-input'],
    [{ retry_strategy: 'from_step', from_step: 9 }, 'invalid-input'],
    [{ retry_strategy: 'from_step', from_step: 1 }, 'step-completed'],
    [{ retry_strategy: 'from_step', from_step: 2 }, 'step-completed'],
  ])('refuses %j: %s', (request, code) => expect(codeOf(failed().retry(request))).toBe(code));

  it('refuses a step that cannot follow', () => {
    const player = new Player(
      compiled(
        [
          call('a', { next: 'd' }),
          call('b', { next: 'end' }),
          { name: 'd', type: 'decision', cases: [{ when: 'x', goto: 'b' }], default: 'e' },
          call('e'),
        ],
        {
          compensation_strategy: 'none',
        },
      ),
    ).start({ x: true });
    player.ok('a');
    player.status4xx('b');
    expect(codeOf(player.retry({ retry_strategy: 'from_step', from_step: 4 }))).toBe(
      'step-not-ahead',
    );
  });

  it('refuses runs that have not failed', () => {
    const player = new Player(definition).start();
    expect(codeOf(player.retry())).toBe('workflow-running');
    player.ok('a', { id: 2 });
    expect(codeOf(player.retry())).toBe('workflow-completed');
    player.compensate();
    expect(codeOf(player.retry())).toBe('workflow-compensating');
    expect(codeOf(player.retry({ retry_strategy: 'from_step', from_step: 1 }))).toBe(
      'workflow-compensating',
    );
  });

  it('refuses to retry an undo that is not the one that is parked', () => {
    const player = new Player(compiled([call('a'), call('b'), call('c')])).start();
    for (const name of ['a', 'b']) player.ok(name);
    player.status4xx('c');
    player.status4xx('b:undo');
    expect(codeOf(player.retry({ retry_strategy: 'from_step', from_step: 1 }))).toBe(
      'step-not-parked',
    );
    player.retry({ retry_strategy: 'from_step', from_step: 2 });
    expect(player.calling).toEqual(['b:undo']);
  });

  it('tries a step again that could not be called', () => {
    const player = new Player(compiled([call('a', { input_mapping: { x: '=missing' } })])).start();
    expect(player.retry()).toMatchObject([
      { type: 'RunRetried' },
      { type: 'StepFailed', data: { attempts: 0 } },
      { type: 'WorkflowFailed' },
    ]);
  });

  it('goes on after a time-out, with a delay begun anew', () => {
    const player = new Player(
      compiled([call('a'), delay('wait', 3_000), call('b')], {
        compensation_strategy: 'none',
        timeout_minutes: 51,
      }),
    ).start();
    player.ok('a');
    player.due('timeout');
    expect(player.status).toBe('failed');
    player.retry();
    expect(player.timers).toEqual(['timeout', 'delay:wait']);
    player.due('delay:wait');
    player.ok('b');
    expect(player.status).toBe('completed');
  });

  it('is not ended by a timer of the time before, whose word comes late', () => {
    const slow = compiled([delay('rest', 30), call('a')], { timeout_minutes: 1 });
    const player = new Player(slow).start();
    const { at: earlier } = player;
    player.now += 40_000;
    const stale = player.at; // Both timers fired by then; the log could not be reached.
    player.due('timeout');
    expect(player.status).toBe('failed');
    player.now += 1_000;
    player.retry();
    for (const timer_id of ['delay:rest', 'timeout'])
      for (const at of [earlier, stale])
        expect(player.say({ type: 'TimerDue', at, data: { timer_id } })).toEqual([]);
    player.due('delay:rest');
    player.ok('a');
    expect(player.status).toBe('completed');
  });

  describe('in parallel', () => {
    const group = compiled(
      [
        parallel(
          'p',
          [call('a'), call('b')],
          [fixedCall('c'), call('d')],
          [delay('wait', 60), call('e')],
        ),
        call('f'),
      ],
      { compensation_strategy: 'none' },
    );

    it('goes on in every branch where it stopped', () => {
      const player = new Player(group).start();
      player.ok('a');
      player.status4xx('b');
      player.timeout('c');
      expect(player.status).toBe('failed');
      player.retry();
      expect(player.calling).toEqual(['b', 'c']);
      expect(player.timers).toEqual(['timeout', 'delay:wait']);
      player.crash();
      player.ok('b');
      player.ok('c');
      player.due('delay:wait');
      player.ok('e');
      player.ok('d');
      player.ok('f');
      expect(player.status).toBe('completed');
      expect(names(player).toSorted()).toEqual(['a', 'b', 'b', 'c', 'c', 'd', 'e', 'f']);
    });

    it('begins what had not begun, and joins what is done', () => {
      const player = new Player(group).start();
      player.due('delay:wait');
      player.ok('e');
      player.status4xx('a');
      player.ok('c');
      player.retry();
      expect(player.calling).toEqual(['a', 'd']);
      for (const name of ['a', 'd', 'b', 'f']) player.ok(name);
      expect(player.status).toBe('completed');
    });

    it('begins no branch behind one that fails again at once', () => {
      const player = new Player(
        compiled(
          [
            parallel(
              'p',
              [call('a'), call('b', { input_mapping: { x: '=missing' } })],
              [call('c')],
            ),
          ],
          { compensation_strategy: 'none' },
        ),
      ).start();
      player.status4xx('c');
      player.ok('a');
      player.retry();
      expect(player.calling).toEqual([]);
      expect(player.status).toBe('failed');
    });

    it('can be passed over as a whole', () => {
      const player = new Player(group).start();
      player.status4xx('a');
      player.ok('c');
      player.retry({ retry_strategy: 'from_step', from_step: 8 });
      expect(player.calling).toEqual(['f']);
      player.ok('f');
      expect(player.status).toBe('completed');
    });
  });
});
