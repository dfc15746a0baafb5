import type { Recorded } from '@downbeat/eventsourcing';
import type { RunEvent } from '../run/events';
import {
  call,
  child,
  compiled,
  fixedCall,
  joining,
  parallel,
  Player,
  signalWait,
} from '../testing';
import { statementOf } from './statement';

/** As the log has them: what an operator asked for was asked by `ops`. */
const recorded = ({ events }: Player): readonly Recorded<RunEvent>[] =>
  events.map((event) => {
    const actor = event.type === 'IncidentResolved' ? 'ops' : 'saga-engine';
    return { ...event, meta: { actor } } as unknown as Recorded<RunEvent>;
  });
const statement = (player: Player) =>
  statementOf(recorded(player), player.definition).map(
    ({ since: _, service_name: __, ...effect }) => effect,
  );
const stands = (step_name: string, can_be_undone = true) => ({
  step_name,
  effect: 'stands',
  outcome: 'completed',
  can_be_undone,
});

describe('the statement of a run', () => {
  it('lists what stands, whether it can be undone or not, and no reading call', () => {
    const player = new Player(
      compiled([call('a'), fixedCall('b'), fixedCall('c', { method: 'GET' })]),
    ).start();
    for (const name of ['a', 'b', 'c']) player.ok(name);
    expect(statement(player)).toEqual([stands('a'), stands('b', false)]);
  });

  it('says who undid what, and what nobody knows of', () => {
    const player = new Player(
      compiled([call('a'), call('b'), call('c'), fixedCall('d'), call('e')]),
    ).start();
    player.ok('a');
    player.ok('b');
    player.ok('c');
    player.timeout('d');
    player.ok('c:undo');
    player.status4xx('b:undo');
    player.resolve('done_by_hand', { reason: 'refunded by transfer' });
    player.status4xx('a:undo');
    player.resolve('skip', { reason: 'gone bankrupt' });
    expect(player.status).toBe('compensated');
    expect(statement(player)).toEqual([
      { ...stands('a'), was_skipped: true, actor: 'ops', reason: 'gone bankrupt' },
      {
        ...stands('b'),
        effect: 'undone',
        undone_by: 'hand',
        actor: 'ops',
        reason: 'refunded by transfer',
      },
      { ...stands('c'), effect: 'undone', undone_by: 'engine', actor: 'saga-engine' },
      { step_name: 'd', effect: 'unknown', outcome: 'unknown', can_be_undone: false },
    ]);
  });

  it('still says that what was done stands, when a later call failed that is undone too', () => {
    const a = call('a', { output_mapping: { n: '=output.n' }, undo_failed_step: true });
    const player = new Player(compiled([a], { compensation_strategy: 'none' })).start();
    player.ok('a', {});
    player.retry();
    player.answer('a', { kind: 'refused', message: 'nobody there' });
    expect(statement(player)).toEqual([{ ...stands('a'), outcome: 'unusable' }]);
  });

  it('has nothing of a step that failed for sure, and no skip of one that was undone later', () => {
    const player = new Player(compiled([call('a'), call('b')])).start();
    player.ok('a');
    player.status4xx('b');
    player.status4xx('a:undo');
    player.resolve('skip');
    player.compensate();
    player.ok('a:undo');
    expect(statement(player)).toEqual([
      { ...stands('a'), effect: 'undone', undone_by: 'engine', actor: 'saga-engine' },
    ]);
  });

  it('lists items one by one, what a race has left, and runs that stand for a step', () => {
    const each = { name: 'each', type: 'map', items: '=[1, 2]', steps: [call('a')] };
    const race = joining('race', 'p', [call('b')], [signalWait('go')]);
    const player = new Player(compiled([each, race, child('sub')])).start();
    player.ok('a#1');
    player.ok('a#0');
    player.signal('go');
    player.ok('b');
    player.ok('b:undo');
    player.child('sub', 'completed');
    expect(statement(player)).toEqual([
      stands('a#1'),
      stands('a#0'),
      { ...stands('b'), effect: 'undone', undone_by: 'engine', actor: 'saga-engine' },
      { ...stands('sub'), workflow_name: 'other' },
    ]);
  });

  it('says nothing of an incident that was overtaken', () => {
    const race = joining('race', 'p', [call('a')], [signalWait('go')]);
    const player = new Player(
      compiled([parallel('q', [race], [call('b')])], { compensation_strategy: 'none' }),
    ).start();
    player.signal('go');
    player.ok('a');
    player.status4xx('a:undo');
    player.status4xx('b');
    expect(statement(player)).toEqual([stands('a')]);
  });

  it('shows an answer that cannot be mapped as an effect', () => {
    const player = new Player(
      compiled([call('a', { output_mapping: { x: '=output.missing.deep' } })], {
        compensation_strategy: 'none',
      }),
    ).start();
    player.ok('a');
    expect(statement(player)).toMatchObject([{ effect: 'stands', outcome: 'unusable' }]);
  });
});
