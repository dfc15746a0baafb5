import { call, compiled, parallel, Player } from '../testing';
import { causeOf } from './cause';
import { WORKFLOW_TIMER } from './timers';

const retried = { retry_policy: { max_retries: 1, initial_delay_ms: 100 } };
const definition = compiled([call('a'), call('b', retried), call('c')]);
const atB = () => {
  const player = new Player(definition).start();
  player.ok('a');
  return player;
};
const types = (player: Player) => player.events.map(({ type }) => type);
const effectOf = (player: Player, name: string) =>
  [...player.outstanding.values()].find(
    (effect) => effect.effect === 'call' && effect.key.endsWith(`:${name}`),
  );

describe('a call that waits in the engine', () => {
  it('is told of, and that it goes', () => {
    const player = atB();
    expect(player.hold('b')).toMatchObject([
      { type: 'CallHeld', data: { step: 'b', attempt: 1, because: 'breaker-open' } },
    ]);
    expect(player.hold('b')).toEqual([]);
    expect(player.release('b')).toMatchObject([{ type: 'CallReleased', data: { step: 'b' } }]);
    expect(player.release('b')).toEqual([]);
    player.ok('b');
    player.ok('c');
    expect(player.status).toBe('completed');
  });

  it('was not sent, and whoever takes the run over knows it', () => {
    const player = atB();
    player.hold('b');
    expect(effectOf(player.crash(), 'b')).toMatchObject({ reissued: false, isHeld: true });
    player.release('b');
    expect(effectOf(player.crash(), 'b')).toMatchObject({ reissued: true, isHeld: false });
  });

  it('stays in doubt when an earlier process may have sent it', () => {
    const refused = { kind: 'refused', message: 'nobody there' } as const;
    for (const end of ['answer', 'time-out'] as const) {
      const player = atB().crash();
      expect(player.hold('b')).toMatchObject([{ type: 'CallHeld', data: { reissued: true } }]);
      player.crash();
      if (end === 'answer') {
        player.release('b');
        player.answer('b', refused);
        player.due('retry:b:1');
        player.answer('b', refused);
      } else player.due(WORKFLOW_TIMER);
      expect(player.events.find(({ type }) => type === 'StepFailed')).toMatchObject({
        data: { step: 'b', outcome: 'unknown' },
      });
      expect(player.calling).toEqual(['b:undo']);
    }
  });

  it('is held anew at its next attempt only when it waits again', () => {
    const player = atB();
    player.hold('b');
    player.release('b');
    player.timeout('b');
    player.due('retry:b:1');
    expect(effectOf(player, 'b')).toMatchObject({ attempt: 2, isHeld: false });
  });

  it('does not keep a run from its end', () => {
    const player = atB();
    player.hold('b');
    player.due(WORKFLOW_TIMER);
    expect(types(player).slice(-5)).toEqual([
      'WorkflowTimedOut',
      'WaitAbandoned',
      'StepFailed',
      'CompensationStarted',
      'UndoStarted',
    ]);
    expect(player.calling).toEqual(['a:undo']);
    expect(player.events.find(({ type }) => type === 'StepFailed')).toMatchObject({
      data: { step: 'b', outcome: 'failed' },
    });
  });

  it('is in doubt when an earlier call of its step was', () => {
    const player = atB();
    player.timeout('b');
    player.due('retry:b:1');
    player.hold('b');
    player.compensate();
    expect(player.calling).toEqual(['b:undo']);
  });

  it('lets a run end that was on its way to it when it began to wait', () => {
    const both = compiled([parallel('both', [call('a')], [call('b')])]);
    const player = new Player(both).start();
    player.status4xx('a');
    expect(player.calling).toEqual(['b']);
    player.hold('b');
    expect(player.status).toBe('failed');
    expect(player.outstanding.size).toBe(1);
  });

  it('may be an undo, which is waited for', () => {
    const player = atB();
    player.status4xx('b');
    player.hold('a:undo');
    expect(effectOf(player.crash(), 'a:undo')).toMatchObject({ reissued: false, isHeld: true });
    player.release('a:undo');
    player.ok('a:undo');
    expect(player.status).toBe('compensated');
  });

  it('can be decided again from what was recorded', () => {
    const player = atB();
    const before = player.state;
    const [held] = player.hold('b');
    expect(held && causeOf([held], before)).toMatchObject({ type: 'HoldCall' });
    const waiting = player.state;
    const [released] = player.release('b');
    expect(released && causeOf([released], waiting)).toMatchObject({ type: 'ReleaseCall' });
  });
});

describe('what a run is admitted by', () => {
  const keyed = compiled([call('a')], { priority: 'high', limit_key: 'order.tenant' });

  it('goes along with each call', () => {
    const player = new Player(keyed).start({ order: { tenant: 'acme' } });
    expect(effectOf(player, 'a')).toMatchObject({ priority: 'high', limitKey: 'acme' });
  });

  it('can be said at the start', () => {
    const player = new Player(keyed).start({}, { priority: 'low' });
    expect(effectOf(player, 'a')).toMatchObject({ priority: 'low' });
    expect(effectOf(player, 'a')).not.toHaveProperty('limitKey');
  });

  it('is usual where nobody says anything', () => {
    const player = new Player(definition).start();
    expect(player.events[0]?.data).not.toHaveProperty('priority');
    expect(effectOf(player, 'a')).toMatchObject({ priority: 'normal' });
  });
});
