import { PAYLOAD_BYTES_MAX } from '@downbeat/contracts';
import type { Instant } from '@downbeat/eventsourcing';
import { BEGIN, call, child, compiled, fixedCall, Player, RUN_ID } from '../testing';
import { CHILD_DEPTH_MAX } from './child-limits';
import { runDecider } from './decide';
import type { TellParentEffect } from './effects';
import { owesParent, isStarted } from './state';

const definition = compiled([
  call('a'),
  child('sub', {
    input_mapping: { order: 'order.id' },
    output_mapping: { total: 'sums.total' },
  }),
  call('b'),
]);
const begun = () => {
  const player = new Player(definition).start({ order: { id: '4711' } }, { wedding_id: 'w-1' });
  player.ok('a');
  return player;
};
const contextOf = ({ state }: Player) => (isStarted(state) ? state.context : {});
const effectOf = (player: Player, name: string) => player.outstanding.get(`${RUN_ID}:${name}`);

describe('a step that another run stands for', () => {
  it('starts that run under an id made of its address, and goes on with its final context', () => {
    const player = begun();
    expect(effectOf(player, 'sub')).toEqual({
      effect: 'run-child',
      purpose: 'step',
      step: 'sub',
      attempt: 1,
      key: `${RUN_ID}:sub`,
      workflow_name: 'other',
      workflow_version: undefined,
      correlation_id: `${RUN_ID}:sub`,
      wedding_id: 'w-1',
      initiating_service: 'book',
      context_data: { order: '4711' },
      parent: {
        workflow_id: RUN_ID,
        step: 'sub',
        depth: 1,
        timeout_at: '2026-03-01T10:30:00.000Z',
      },
    });
    player.child('sub', 'completed', { sums: { total: 7 } });
    expect(contextOf(player)).toEqual({ order: { id: '4711' }, total: 7 });
    expect(player.calling).toEqual(['b']);
  });

  it.each(['failed', 'compensated'] as const)(
    'has failed for sure when that run is %s',
    (status) => {
      const player = begun();
      player.crash().child('sub', status);
      expect(player.events.find(({ type }) => type === 'StepFailed')?.data).toMatchObject({
        step: 'sub',
        outcome: 'failed',
        message: `the sub-workflow is ${status}: why not`,
      });
      expect(player.calling).toEqual(['a:undo']);
    },
  );

  it('is undone by undoing that run, newest first, and waits for it', () => {
    const player = begun();
    player.child('sub', 'completed');
    player.status4xx('b');
    expect(player.calling).toEqual([]);
    expect(player.children).toEqual(['sub:undo']);
    player.crash().child('sub:undo', 'compensated');
    expect(player.calling).toEqual(['a:undo']);
    player.ok('a:undo');
    expect(player.status).toBe('compensated');
  });

  it('waits for that run when the run is ending, as for a call', () => {
    const player = begun();
    player.compensate();
    expect(player.children).toEqual(['sub']);
    player.child('sub', 'completed');
    expect(player.children).toEqual(['sub:undo']);
  });

  it('tries that run again when the run is retried', () => {
    const player = new Player(compiled([child('sub')], { compensation_strategy: 'none' })).start();
    player.child('sub', 'failed');
    expect(player.status).toBe('failed');
    player.retry();
    expect(effectOf(player, 'sub')).toMatchObject({ attempt: 2, correlation_id: `${RUN_ID}:sub` });
    player.child('sub', 'completed');
    expect(player.status).toBe('completed');
  });

  it('has one of its own for each item of a map', () => {
    const map = {
      name: 'each',
      type: 'map',
      items: '=[1, 2]',
      max_items: 2,
      steps: [child('sub')],
    };
    const player = new Player(compiled([map])).start();
    expect(player.children).toEqual(['sub#0', 'sub#1']);
    expect(effectOf(player, 'sub#1')).toMatchObject({ correlation_id: `${RUN_ID}:sub@1` });
    player.child('sub#1', 'completed');
    player.child('sub#0', 'completed');
    expect(player.status).toBe('completed');
  });

  it('is undone when that run says too much to be recorded', () => {
    const player = begun();
    player.child('sub', 'completed', { text: 'x'.repeat(PAYLOAD_BYTES_MAX) });
    expect(player.children).toEqual(['sub:undo']);
  });

  it('is not taken for another step by an end that nobody waits for', () => {
    const player = begun();
    const end = (step: string) =>
      player.say({
        type: 'ChildEnded',
        at: player.at,
        data: { workflow_id: RUN_ID, step, status: 'completed', output: {} },
      });
    for (const step of ['a', 'b', 'nonsense', '__proto__']) expect(end(step)).toEqual([]);
    player.child('sub', 'completed');
    expect(end('sub')).toEqual([]);
  });

  it('fails for sure where runs are nested too deep', () => {
    const started = startedUnder(CHILD_DEPTH_MAX, [child('sub')]);
    expect(started.map(({ type }) => type)).toEqual([
      'WorkflowStarted',
      'StepFailed',
      'WorkflowFailed',
    ]);
    expect(startedUnder(CHILD_DEPTH_MAX - 1, [child('sub')]).at(-1)?.type).toBe('StepStarted');
  });

  it('may not stand for its own workflow', () =>
    expect(() => compiled([child('sub', { workflow_name: 'book' })])).toThrow(
      /steps\.0\.workflow_name/,
    ));
});

const later = '2026-03-01T09:40:00.000Z' as Instant;
const startOf = (depth: number) =>
  ({
    type: 'StartWorkflow',
    at: BEGIN,
    workflow_id: RUN_ID,
    checksum: 'c0ffee',
    rules: undefined,
    parent: { workflow_id: RUN_ID, step: 'sub', depth, timeout_at: later },
    data: {
      workflow_name: 'book',
      correlation_id: 'parent:sub',
      initiating_service: 'shop',
      context_data: { n: 1 },
    },
  }) as const;

function startedUnder(depth: number, steps: Parameters<typeof compiled>[0]) {
  const player = new Player(compiled(steps));
  const events = player.say(startOf(depth));
  return Array.isArray(events) ? (events as typeof player.events) : [];
}

describe('a step that is tried again', () => {
  it('does not take the word of an end before, only of one that came of it', () => {
    const player = new Player(
      compiled([child('sub'), call('b')], { compensation_strategy: 'none' }),
    ).start();
    player.child('sub', 'failed');
    player.retry();
    expect(effectOf(player, 'sub')).toMatchObject({ attempt: 2, parent: { attempt: 2 } });
    const end = { workflow_id: RUN_ID, step: 'sub', output: {} };
    const said = (attempt: number, status: 'failed' | 'completed') =>
      player.say({ type: 'ChildEnded', at: player.at, data: { ...end, attempt, status } });
    expect(said(1, 'failed')).toEqual([]);
    expect(said(2, 'completed')).not.toEqual([]);
    expect(player.calling).toEqual(['b']);
  });
});

describe('a step that is undone', () => {
  it('does not take the end of what somebody else had undone for that of its undo', () => {
    const player = begun();
    player.child('sub', 'completed');
    player.status4xx('b');
    const end = { workflow_id: RUN_ID, step: 'sub', status: 'compensated', output: {} } as const;
    const said = (for_parent: boolean) =>
      player.say({ type: 'ChildEnded', at: player.at, data: { ...end, for_parent } });
    expect(said(false)).toEqual([]);
    expect(said(true)).not.toEqual([]);
    expect(player.calling).toEqual(['a:undo']);
  });
});

describe('a run that stands for a step', () => {
  const ended = () => {
    const player = new Player(compiled([fixedCall('a')], { compensation_strategy: 'none' }));
    player.say(startOf(1));
    return player;
  };

  it('has no more time than its parent', () =>
    expect(startedUnder(1, [call('a')])[0]?.data).toMatchObject({ timeout_at: later }));

  it('tells its parent how it ended, until that is recorded', () => {
    const player = ended();
    player.ok('a');
    const told = {
      effect: 'tell-parent',
      ends: 1,
      ended: {
        workflow_id: RUN_ID,
        step: 'sub',
        status: 'completed',
        attempt: 1,
        output: { n: 1 },
      },
    };
    expect(player.outstanding.get('tell-parent')).toEqual(told);
    expect(player.crash().outstanding.get('tell-parent')).toEqual(told);
    expect(isStarted(player.state) && owesParent(player.state)).toBe(true);
    player.say({ type: 'NoteParentTold', at: player.at, data: { ends: 1 } });
    expect([...player.crash().outstanding.keys()]).toEqual(['ended']);
    for (const ends of [1, 0, 7])
      expect(player.say({ type: 'NoteParentTold', at: player.at, data: { ends } })).toEqual([]);
  });

  it('does not tell what is larger than an answer may be, and its parent undoes it', () => {
    const kept = { output_mapping: { text: 'text' } };
    const large = new Player(
      compiled([fixedCall('a', kept), fixedCall('b', { output_mapping: { more: 'text' } })], {
        compensation_strategy: 'none',
      }),
    );
    large.say(startOf(1));
    for (const name of ['a', 'b']) large.ok(name, { text: 'x'.repeat(600_000) });
    const told = large.outstanding.get('tell-parent');
    expect(told).toMatchObject({ ended: { status: 'completed', output: {} } });
    const { ended: data } = told as TellParentEffect;
    expect(data.oversized).toBeGreaterThan(1_200_000);
    const parent = begun();
    parent.say({ type: 'ChildEnded', at: parent.at, data });
    expect(parent.children).toContain('sub:undo');
  });

  it('tells nothing of what it knows when it did not complete', () => {
    const player = ended();
    player.status4xx('a');
    expect(player.outstanding.get('tell-parent')).toMatchObject({
      ended: { status: 'failed', output: {} },
    });
  });

  it('tells it again when it has ended anew', () => {
    const player = ended();
    player.status4xx('a');
    player.say({ type: 'NoteParentTold', at: player.at, data: { ends: 1 } });
    player.retry();
    player.ok('a');
    expect(player.outstanding.get('tell-parent')).toMatchObject({
      ends: 2,
      ended: { status: 'completed' },
    });
  });

  it('tells it for which attempt of its step it ended, whoever else retried it before', () => {
    const player = ended();
    player.status4xx('a');
    player.retry();
    player.status4xx('a');
    const told = () => player.outstanding.get('tell-parent');
    expect(told()).toMatchObject({ ends: 2, ended: { status: 'failed', attempt: 1 } });
    const data = { workflow_id: RUN_ID, retry_strategy: 'failed_steps' } as const;
    player.say({ type: 'RetryWorkflow', at: player.at, data, parent_attempt: 2 });
    player.ok('a');
    expect(told()).toMatchObject({ ends: 3, ended: { status: 'completed', attempt: 2 } });
  });

  it.each([{ for_parent: true as const }, {}])(
    'tells its parent whether that had asked to undo it: %j',
    (asked) => {
      const player = new Player(compiled([call('a')]));
      player.say(startOf(1));
      player.ok('a');
      player.say({ type: 'NoteParentTold', at: player.at, data: { ends: 1 } });
      const data = { workflow_id: RUN_ID, reason: 'asked for' };
      player.say({ type: 'CompensateWorkflow', at: player.at, data, ...asked });
      player.ok('a:undo');
      const for_parent = asked.for_parent ?? false;
      expect(player.outstanding.get('tell-parent')).toMatchObject({
        ends: 2,
        ended: { status: 'compensated', for_parent },
      });
    },
  );

  it('owes its parent the answer to its undo, whoever has more of it undone before that is told', () => {
    const player = new Player(compiled([call('a')]));
    player.say(startOf(1));
    player.ok('a');
    player.say({ type: 'NoteParentTold', at: player.at, data: { ends: 1 } });
    const data = { workflow_id: RUN_ID, reason: 'asked for' };
    const undo = (asked: { for_parent?: true }) =>
      player.say({ type: 'CompensateWorkflow', at: player.at, data, ...asked });
    const told = () => player.outstanding.get('tell-parent');
    undo({ for_parent: true });
    player.status4xx('a:undo');
    player.resolve('skip');
    expect(told()).toMatchObject({ ends: 2, ended: { for_parent: true } });
    // The process dies before it has told that, and the next one finds the run under way.
    for (const ends of [3, 4]) {
      undo({});
      player.crash();
      expect(told()).toBeUndefined();
      player.status4xx('a:undo');
      player.resolve('skip');
      expect(told()).toMatchObject({ ends, ended: { status: 'compensated', for_parent: true } });
    }
    player.say({ type: 'NoteParentTold', at: player.at, data: { ends: 4 } });
    undo({});
    player.ok('a:undo');
    expect(told()).toMatchObject({ ends: 5, ended: { for_parent: false } });
  });

  it('is not the same as one that somebody else starts under its id', () => {
    const decider = runDecider(compiled([call('a')]));
    const player = new Player(compiled([call('a')]));
    player.say(startOf(1));
    expect(decider.decide(startOf(1), player.state)).toEqual([]);
    const { parent: _, ...other } = startOf(1);
    expect(decider.decide(other, player.state)).toMatchObject({ code: 'correlation-id-taken' });
  });
});
