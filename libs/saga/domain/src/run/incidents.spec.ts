import { Rejection } from '@downbeat/eventsourcing';
import { evolveRunView, type RunView } from '../views/run-view';
import { call, compiled, Player, RUN_ID } from '../testing';
import { isStarted } from './state';

/** Two steps are done, the third is refused, and the undo of the second fails for good. */
function withIncident(): Player {
  const player = new Player(compiled([call('a'), call('b'), call('c')])).start();
  player.ok('a', { id: 1 });
  player.ok('b', { id: 2 });
  player.status4xx('c');
  player.status4xx('b:undo', 503);
  return player;
}
const viewOf = (player: Player): RunView | undefined =>
  player.events.reduce<RunView | undefined>(evolveRunView, undefined);
const stepOf = (player: Player, name: string) =>
  viewOf(player)?.steps.find(({ step_name }) => step_name === name)?.status;
const codeOf = (result: unknown): string =>
  result instanceof Rejection ? result.code : 'accepted';

describe('an undo that keeps failing', () => {
  it('opens an incident that says what, where, how often and since when', () => {
    const player = withIncident();
    const incident_id = `${RUN_ID}:b:1`;
    expect(player.events.at(-1)).toEqual({
      type: 'IncidentOpened',
      data: {
        incident_id,
        workflow_name: 'book',
        step: 'b',
        kind: 'undo_failed',
        message: 'HTTP 503: no',
        attempts: 1,
        at: player.at,
      },
    });
    expect(viewOf(player)).toMatchObject({
      needs_attention: true,
      incident: {
        incident_id,
        kind: 'undo_failed',
        step_name: 'b',
        message: 'HTTP 503: no',
        attempts: 1,
        since: player.at,
      },
    });
  });

  it('is called again with the action retry, and gets an incident of its own each time', () => {
    const player = withIncident();
    expect(player.resolve('retry')).toMatchObject([
      { type: 'IncidentResolved', data: { incident_id: `${RUN_ID}:b:1`, action: 'retry' } },
      { type: 'UndoRetried', data: { step: 'b', attempt: 2 } },
    ]);
    expect(viewOf(player)).not.toHaveProperty('incident');
    player.status4xx('b:undo', 503);
    expect(player.events.at(-1)).toMatchObject({ data: { incident_id: `${RUN_ID}:b:2` } });
    player.resolve('retry');
    player.ok('b:undo');
    player.ok('a:undo');
    expect(player.status).toBe('compensated');
  });

  it('is left with the action skip: its effect stands, older ones are undone', () => {
    const player = withIncident();
    expect(player.resolve('skip', { reason: 'gone bankrupt' })).toMatchObject([
      { type: 'IncidentResolved', data: { action: 'skip', reason: 'gone bankrupt' } },
      { type: 'UndoStarted', data: { step: 'a' } },
    ]);
    player.ok('a:undo');
    expect(player.events.at(-1)).toMatchObject({
      type: 'WorkflowCompensated',
      data: { standing_steps: ['b'] },
    });
    expect(stepOf(player, 'b')).toBe('completed');
  });

  it('that was skipped can be undone later, on demand', () => {
    const player = withIncident();
    player.resolve('skip');
    player.ok('a:undo');
    player.compensate();
    expect(player.calling).toEqual(['b:undo']);
    player.ok('b:undo');
    expect(player.events.at(-1)).toMatchObject({ data: { standing_steps: [] } });
    expect(codeOf(player.compensate())).toBe('already-compensated');
  });

  it('counts as undone with the action done_by_hand', () => {
    const player = withIncident();
    player.resolve('done_by_hand');
    player.ok('a:undo');
    expect(player.events.at(-1)).toMatchObject({
      type: 'WorkflowCompensated',
      data: { standing_steps: [] },
    });
    expect(stepOf(player, 'b')).toBe('compensated');
    expect(codeOf(player.compensate())).toBe('already-compensated');
  });

  it('ends the run at once when it was the last', () => {
    const player = new Player(compiled([call('a'), call('b')])).start();
    player.ok('a');
    player.status4xx('b');
    player.status4xx('a:undo');
    player.resolve('skip');
    expect(player.status).toBe('compensated');
    expect([...player.outstanding.keys()]).toEqual(['ended']);
  });

  it('survives a take-over as it was', () => {
    const player = withIncident().crash();
    expect([...player.outstanding.values()]).toEqual([
      { effect: 'parked', step: 'b', message: 'HTTP 503: no' },
    ]);
    player.resolve('skip');
    expect(player.calling).toEqual(['a:undo']);
  });
});

describe('an undo whose input cannot be formed', () => {
  const picky = { service_name: 'a', endpoint: '/undo', input_mapping: { id: '=output.id' } };

  it('can be skipped or done by hand, and opens another incident when it is tried again', () => {
    const player = new Player(
      compiled([call('a', { compensation_action: picky }), call('b')]),
    ).start();
    player.ok('a');
    player.status4xx('b');
    expect(player.events.at(-1)).toMatchObject({ data: { kind: 'undo_input', attempts: 0 } });
    expect(player.resolve('retry')).toMatchObject([
      { type: 'IncidentResolved' },
      { type: 'IncidentOpened', data: { incident_id: `${RUN_ID}:a:2` } },
    ]);
    player.resolve('done_by_hand');
    expect(player.status).toBe('compensated');
  });
});

describe('resolving', () => {
  it('needs a reason, but for a retry', () => {
    const player = withIncident();
    for (const action of ['skip', 'done_by_hand'] as const)
      expect(player.resolve(action, { reason: undefined })).toMatchObject({
        code: 'invalid-input',
        errors: [{ field: 'reason' }],
      });
    expect(player.resolve('retry', { reason: 'it is up again' })).toMatchObject([
      { data: { reason: 'it is up again' } },
      {},
    ]);
  });

  it('is refused for what was resolved, and for what never was', () => {
    const player = withIncident();
    const first = { incident_id: `${RUN_ID}:b:1` };
    player.resolve('retry');
    expect(codeOf(player.resolve('skip', first))).toBe('incident-resolved');
    player.status4xx('b:undo', 503);
    expect(codeOf(player.resolve('skip', first))).toBe('incident-resolved');
    expect(codeOf(player.resolve('skip', { incident_id: `${RUN_ID}:b:3` }))).toBe(
      'incident-unknown',
    );
    expect(codeOf(player.resolve('skip'))).toBe('accepted');
    player.ok('a:undo');
    expect(codeOf(player.resolve('skip', { incident_id: `${RUN_ID}:b:2` }))).toBe(
      'incident-resolved',
    );
  });
});

describe('a run that began before there were incidents', () => {
  const old = (): Player => {
    const player = new Player(compiled([call('a'), call('b'), call('c')]));
    player.rules = undefined;
    player.start();
    player.ok('a');
    player.ok('b');
    player.status4xx('c');
    player.status4xx('b:undo', 503);
    return player;
  };

  it('is decided by the rules of then', () => {
    const player = old();
    const { at } = player;
    expect(player.events.at(-1)).toEqual({
      type: 'UndoParked',
      data: { step: 'b', message: 'HTTP 503: no', attempts: 1, at },
    });
    expect(player.retry()).toMatchObject([{ type: 'RunRetried' }, { type: 'UndoRetried' }]);
    expect(isStarted(player.state) && player.state.incident).toBeUndefined();
  });

  it('waits for a person all the same, and can be resolved', () => {
    const player = old().crash();
    expect(isStarted(player.state) && player.state.incident).toEqual({
      id: `${RUN_ID}:b:0`,
      step: 'b',
      kind: 'undo_failed',
    });
    expect(viewOf(player)).toMatchObject({
      needs_attention: true,
      incident: { incident_id: `${RUN_ID}:b:0` },
    });
    expect(player.resolve('skip')).toMatchObject([
      { type: 'IncidentResolved' },
      { type: 'UndoStarted', data: { step: 'a' } },
    ]);
  });
});
