import { instantOf } from '@downbeat/eventsourcing';
import type { CommandOutcome } from '@downbeat/message-bus';
import type { RetentionAct } from '@downbeat/saga-domain';
import { accepted } from '@downbeat/service-host';
import type { Operation } from '../engine/operation';
import type { DueRun } from './due-runs';
import { BATCH_MAX, RetentionRunner } from './retention-runner';

const REFUSED: CommandOutcome = {
  accepted: false,
  problem: { code: 'parent-not-told', message: 'not yet', kind: 'conflict' },
};
const runsOf = (count: number): readonly DueRun[] =>
  Array.from({ length: count }, (_, n) => ({ id: `run-${n}`, completed_at: instantOf(n) }));

describe('retention', () => {
  let due: Record<RetentionAct, readonly DueRun[]>;
  let said: string[];
  let pauses: number[];
  let faults: string[];
  let atOnce: { now: number; most: number };
  let outcome: (id: string) => CommandOutcome;
  let onRules: (act: RetentionAct, as: object) => void;
  let isWithdrawn: (act: RetentionAct) => boolean;
  let afterDaysOf: (act: RetentionAct) => number;
  let runner: RetentionRunner;

  beforeEach(() => {
    [said, pauses, faults] = [[], [], []];
    atOnce = { now: 0, most: 0 };
    due = { archive: [], purge: [] };
    outcome = () => accepted(1, {}, false);
    onRules = () => undefined;
    isWithdrawn = () => false;
    afterDaysOf = () => 1;
    runner = new RetentionRunner({
      rulesOf: async (act, as) => {
        onRules(act, as);
        if (isWithdrawn(act)) return [];
        return [{ workflow_name: 'book', status: 'completed', afterDays: afterDaysOf(act) }];
      },
      next: async ({ act }, after) => {
        const from = after === undefined ? 0 : due[act].findIndex(({ id }) => id === after.id) + 1;
        return due[act].slice(from, from + BATCH_MAX);
      },
      clock: { now: () => 1_000_000 },
      perSecond: 50,
      say: async ({ type, data }: Operation) => {
        atOnce.most = Math.max(atOnce.most, ++atOnce.now);
        await Promise.resolve();
        atOnce.now--;
        const id = 'workflow_id' in data ? data.workflow_id : '';
        said.push(`${type} ${id}`);
        return outcome(id);
      },
      pause: async (ms) => void pauses.push(ms),
      onFault: (id) => void faults.push(id),
    });
  });

  it('archives all that is due, oldest end first, then purges', async () => {
    due = { archive: runsOf(3), purge: runsOf(2) };
    const asked: unknown[] = [];
    onRules = (act, as) => void asked.push([act, as]);
    expect(await runner.turn()).toEqual({ archive: 3, purge: 2 });
    expect(said).toEqual([
      'ArchiveWorkflow run-0',
      'ArchiveWorkflow run-1',
      'ArchiveWorkflow run-2',
      'PurgeWorkflow run-0',
      'PurgeWorkflow run-1',
    ]);
    // The archive is asked when it shows what has just been archived.
    expect(asked).toEqual([
      ['archive', {}],
      ['purge', { min_position: 1 }],
    ]);
  });

  it('goes batch after batch, no faster than it may', async () => {
    due.archive = runsOf(2 * BATCH_MAX + 1);
    expect(await runner.turn()).toMatchObject({ archive: 2 * BATCH_MAX + 1 });
    expect(pauses).toHaveLength(2);
    for (const ms of pauses) expect(ms).toBeGreaterThan(1_500);
    expect(atOnce.most).toBeLessThanOrEqual(10);
  });

  it('passes over a run that refuses or cannot be asked, and comes to an end', async () => {
    due.archive = runsOf(BATCH_MAX + 2);
    outcome = (id) => {
      if (id === 'run-1') throw new Error('its holder does not answer');
      return id === 'run-0' ? REFUSED : accepted(1, {}, false);
    };
    expect(await runner.turn()).toMatchObject({ archive: BATCH_MAX });
    expect(faults).toEqual(['run-1']);
    expect(said).toHaveLength(BATCH_MAX + 2);
  });

  it('goes on no longer than the policy holds', async () => {
    due.purge = runsOf(3 * BATCH_MAX);
    let reads = 0;
    isWithdrawn = (act) => act === 'purge' && ++reads > 1;
    expect(await runner.turn()).toEqual({ archive: 0, purge: BATCH_MAX });
  });

  it('begins at the top when the policies have changed under way', async () => {
    due.archive = runsOf(2 * BATCH_MAX + 1);
    let reads = 0;
    afterDaysOf = () => (++reads > 1 ? 2 : 1);
    await runner.turn();
    const first = said.filter((word) => word === 'ArchiveWorkflow run-0');
    expect(first).toHaveLength(2);
  });

  it('stops when another replica is to go on', async () => {
    due.archive = runsOf(10 * BATCH_MAX);
    outcome = () => {
      runner.stop();
      return accepted(1, {}, false);
    };
    expect((await runner.turn()).archive).toBeLessThanOrEqual(10);
  });
});
