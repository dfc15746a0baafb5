import { call, compiled, Player } from '../testing';
import { PUBLISHED_LENGTH_MAX } from './publish';

const tell = (more: object = {}) => ({
  name: 'tell',
  type: 'publish',
  event: 'order-paid',
  payload: { order: 'order.id', twice: '=order.amount * 2' },
  ...more,
});
const start = (...steps: readonly object[]) =>
  new Player(compiled([call('a'), ...steps, call('b')] as never)).start({
    order: { id: '4711', amount: 5 },
  });

describe('a step that publishes', () => {
  it('is recorded together with what the run does next', () => {
    const player = start(tell());
    player.ok('a');
    expect(player.appends.at(-1)?.map(({ type }) => type)).toEqual([
      'StepCompleted',
      'EventPublished',
      'StepStarted',
    ]);
    expect(player.appends.at(-1)?.[1]?.data).toMatchObject({
      step: 'tell',
      workflow_name: 'book',
      event: 'order-paid',
      payload: { order: '4711', twice: 10 },
    });
  });

  it('is not undone, and not said again by a retry', () => {
    const player = new Player(
      compiled([call('a'), tell(), call('b')] as never, { compensation_strategy: 'none' }),
    ).start({ order: { id: '4711', amount: 5 } });
    player.ok('a');
    player.status4xx('b');
    player.retry();
    player.ok('b');
    const said = player.events.filter(({ type }) => type === 'EventPublished');
    expect(said).toHaveLength(1);
    player.compensate();
    for (const name of ['b:undo', 'a:undo']) player.ok(name);
    expect(player.status).toBe('compensated');
  });

  it.each([
    ['cannot be formed', { payload: { x: '=missing.key' } }, /^payload: x: /],
    [
      'is too long',
      { payload: { x: `='${'x'.repeat(1_900)}'.split('x').join('${'y'.repeat(40)}')` } },
      new RegExp(`at most ${PUBLISHED_LENGTH_MAX}`),
    ],
  ])('fails for sure when its payload %s', (_, more, message) => {
    const player = start(tell(more));
    player.ok('a');
    const failed = player.events.find(({ type }) => type === 'StepFailed');
    expect(failed?.data).toMatchObject({
      outcome: 'failed',
      message: expect.stringMatching(message),
    });
    expect(player.calling).toEqual(['a:undo']);
  });

  it('is skipped when its condition is false', () => {
    const player = start(tell({ conditions: 'false' }));
    player.ok('a');
    expect(player.calling).toEqual(['b']);
  });
});
