import { Rejection } from '@downbeat/eventsourcing';
import { call, child, compiled, Player, RUN_ID } from '../testing';
import { evolveRunView, type RunView } from '../views/run-view';
import { causeOf } from './cause';
import { NOT_STARTED, type RunState } from './state';

const types = (result: unknown) =>
  result instanceof Rejection
    ? result.code
    : (result as readonly { type: string }[]).map(({ type }) => type);
const archive = (player: Player) => types(player.archive());
const purge = (player: Player) => types(player.purge());

const completed = () => {
  const player = new Player(compiled([call('a'), call('b')])).start({}, { wedding_id: 'w-1' });
  player.ok('a');
  player.now += 60_000;
  player.ok('b');
  return player;
};
const failed = () => {
  const player = new Player(compiled([call('a')], { compensation_strategy: 'none' })).start();
  player.status4xx('a');
  return player;
};

describe('an ended run', () => {
  it('is archived with what lists show of it', () => {
    const player = completed();
    expect(archive(player)).toEqual(['WorkflowArchived']);
    expect(player.events.at(-1)?.data).toEqual({
      run: {
        workflow_id: RUN_ID,
        workflow_name: 'book',
        workflow_version: '1.0.0',
        correlation_id: 'order-4711',
        wedding_id: 'w-1',
        initiating_service: 'shop',
        status: 'completed',
        current_step: 2,
        total_steps: 2,
        started_at: '2026-03-01T09:30:00.000Z',
        completed_at: '2026-03-01T09:31:00.000Z',
        started_position: 7,
      },
      at: player.at,
    });
  });

  it('is archived once, and purged once', () => {
    const player = completed();
    archive(player);
    expect(archive(player)).toEqual([]);
    expect(purge(player)).toEqual(['WorkflowPurged']);
    expect([archive(player), purge(player)]).toEqual([[], []]);
  });

  it('takes its incidents along', () => {
    const player = new Player(compiled([call('a'), call('b')])).start();
    player.ok('a');
    player.status4xx('b');
    player.status4xx('a:undo');
    expect(archive(player)).toBe('workflow-not-ended');
    player.resolve('skip');
    archive(player);
    expect(player.events.at(-1)?.data).toMatchObject({ incident_ids: [`${RUN_ID}:a:1`] });
  });

  it('says that it is archived, and that it is not any more', () => {
    const player = failed();
    archive(player);
    const view = () => player.events.reduce<RunView | undefined>(evolveRunView, undefined);
    expect(view()).toMatchObject({ current_status: 'failed', archived_at: player.at });
    player.retry();
    expect(view()).not.toHaveProperty('archived_at');
  });
});

describe('what is refused', () => {
  it('is to archive a run that goes on', () => {
    expect(archive(new Player(compiled([call('a')])).start())).toBe('workflow-not-ended');
    expect(archive(new Player(compiled([call('a')])))).toBe('workflow-unknown');
  });

  it('is to archive one whose parent has not recorded its end', () => {
    const parent = new Player(compiled([child('sub')])).start();
    const [effect] = [...parent.outstanding.values()].filter(
      ({ effect }) => effect === 'run-child',
    );
    if (effect?.effect !== 'run-child') throw new Error('no child');
    const player = new Player(compiled([call('a')]));
    player.say({
      type: 'StartWorkflow',
      at: player.at,
      workflow_id: RUN_ID,
      checksum: 'c0ffee',
      rules: player.rules,
      parent: effect.parent,
      data: {
        workflow_name: 'book',
        correlation_id: 'c',
        initiating_service: 's',
        context_data: {},
      },
    });
    player.ok('a');
    expect(archive(player)).toBe('parent-not-told');
    player.say({ type: 'NoteParentTold', at: player.at, data: { ends: 1 } });
    expect(archive(player)).toEqual(['WorkflowArchived']);
  });

  it('is to purge one that is not archived', () => {
    expect(purge(completed())).toBe('workflow-not-archived');
  });

  it('is anything but a purge of one that was purged', () => {
    const player = failed();
    archive(player);
    purge(player);
    expect(types(player.retry())).toBe('workflow-purged');
    expect(types(player.compensate())).toBe('workflow-purged');
    expect(types(player.signal('go'))).toBe('workflow-purged');
    expect(types(player.pause())).toBe('workflow-purged');
    expect(types(player.resume())).toBe('workflow-purged');
    const data = { incident_id: `${RUN_ID}:a:1`, action: 'retry' as const };
    expect(types(player.say({ type: 'ResolveIncident', at: player.at, data }))).toBe(
      'workflow-purged',
    );
  });
});

describe('an archived run that an operator needs', () => {
  it('is restored and goes on in one append', () => {
    const player = failed();
    archive(player);
    expect(types(player.retry())).toEqual(['WorkflowRestored', 'RunRetried', 'StepRetried']);
    expect(player.calling).toEqual(['a']);
    player.ok('a');
    expect(archive(player)).toEqual(['WorkflowArchived']);
  });

  it('stays where it is when what is asked is refused', () => {
    const player = completed();
    archive(player);
    expect(types(player.retry())).toBe('workflow-completed');
    expect(purge(player)).toEqual(['WorkflowPurged']);
  });

  it('follows from its log', () => {
    const player = completed();
    archive(player);
    player.compensate();
    player.ok('b:undo');
    player.ok('a:undo');
    archive(player);
    purge(player);
    let before: RunState = NOT_STARTED;
    for (const events of player.appends) {
      const command = causeOf(events, before);
      if (!command) throw new Error('no command');
      const decision = player.decider.transition(command, before);
      if (decision instanceof Rejection) throw new Error(decision.code);
      expect(decision.events).toEqual(events);
      before = decision.state;
    }
    expect(before.status).toBe('compensated');
  });
});
