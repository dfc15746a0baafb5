import type { AnswerOf, sagaContract } from '@downbeat/contracts';
import { quickOnce } from '@downbeat/test-bench';
import { SagaBench, shopCall } from './testing/saga-bench';

type Shown = AnswerOf<typeof sagaContract.getSchedule>;

let bench: SagaBench;
beforeAll(async () => {
  bench = await SagaBench.open('schedules');
  await bench.addReplica();
  await bench.register('count', [shopCall('a')]);
});
beforeEach(() => {
  bench.participants.react = () => ({ status: 200, body: { id: 'h-1' } });
});
afterAll(() => bench.close());

/** Up to here is shown at least. */
let said = 0;
const say = async (command: string, name: string, body: object = {}) => {
  const outcome = await bench.command(command, name, body as never);
  if (!outcome.accepted) throw new Error(JSON.stringify(outcome.problem));
  said = outcome.position;
};
const put = (name: string, more: object = {}) =>
  say('PutSchedule', name, { workflow_name: 'count', cron: '* * * * * *', ...more });
const shown = (name: string) => bench.ask<Shown>('get-schedule', { name }, { min_position: said });
const until = (name: string, isWanted: (schedule: Shown) => boolean) =>
  bench.eventually(() => shown(name), isWanted);
const started = ({ occurrences }: Shown) =>
  occurrences.filter(({ status }) => status === 'started');

describe('a schedule kept by one of two replicas', () => {
  it('starts a run for every moment, which knows what it was started for', async () => {
    await put('each-second', { context_data: { warehouse: 'north' }, overlap: 'allow' });
    const schedule = await until('each-second', (one) => started(one).length >= 3);
    await say('PauseSchedule', 'each-second', { reason: 'enough' });
    const [newest, before] = started(schedule);
    expect(Date.parse(newest?.due_at ?? '') - Date.parse(before?.due_at ?? '')).toBe(1_000);
    const { workflow } = await bench.ended(newest?.workflow_id ?? '');
    expect(workflow).toMatchObject({
      current_status: 'completed',
      workflow_name: 'count',
      initiating_service: 'schedule:each-second',
      correlation_id: `schedule:each-second:${newest?.due_at}`,
      context_data: {
        warehouse: 'north',
        occurrence: { schedule: 'each-second', due_at: newest?.due_at },
      },
    });
    // By the database's time: not before it was due, and soon, unless the machine stands still just then.
    const lateMs = await Promise.all(
      started(schedule).map(async ({ due_at, workflow_id = '' }) => {
        const { workflow: run } = await bench.ended(workflow_id);
        return Date.parse(run.started_at) - Date.parse(due_at);
      }),
    );
    expect(lateMs.filter((ms) => ms < 0)).toEqual([]);
    expect(Math.min(...lateMs)).toBeLessThan(5_000);
    const after = await shown('each-second');
    expect(after.schedule).toMatchObject({ is_paused: true, paused_because: 'enough' });
    expect(after.schedule).not.toHaveProperty('next_due_at');
  });

  it('waits with the next run until the one before has ended, without looking again and again', async () => {
    await quickOnce(6_000, async (number) => {
      const name = `one-by-one-${number}`;
      let answer: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (answer = resolve));
      bench.participants.react = async () => {
        await held;
        return { status: 200, body: {} };
      };
      // Three moments soon, and then none for so long that nobody looks at the schedule by itself.
      const seconds = [8, 9, 10].map((later) => new Date(Date.now() + later * 1_000).getSeconds());
      await put(name, { cron: `${seconds.join()} * * * * *`, overlap: 'queue' });
      const full = await until(
        name,
        ({ occurrences }) =>
          occurrences.length === 3 && occurrences.every(({ status }) => status !== 'due'),
      );
      expect(full.occurrences.map(({ status }) => status)).toEqual([
        'skipped',
        'queued',
        'started',
      ]);
      const waiting = full.occurrences.find(({ status }) => status === 'queued');
      const asked = performance.now();
      answer();
      const after = await until(name, (one) =>
        started(one).some(({ due_at }) => due_at === waiting?.due_at),
      );
      const tookMs = performance.now() - asked;
      expect(started(after)).toHaveLength(2);
      await say('DeleteSchedule', name);
      for (const { workflow_id = '' } of started(after)) await bench.ended(workflow_id);
      await expect(shown(name)).rejects.toThrow('schedule-unknown');
      return tookMs;
    });
  });

  it('starts a run when it is asked to, once per request', async () => {
    await put('by-hand', { cron: '0 0 1 1 *' });
    const ask = (id: string) => bench.command('TriggerSchedule', 'by-hand', {}, id);
    const [first, again] = [await ask('by-hand-1'), await ask('by-hand-1')];
    if (!first.accepted || !again.accepted) throw new Error('refused');
    expect(again.answer).toEqual(first.answer);
    const { occurrences } = await until('by-hand', (one) => started(one).length === 1);
    expect(occurrences[0]?.correlation_id).toBe(first.answer['correlation_id']);
    await bench.ended(occurrences[0]?.workflow_id ?? '');
  });

  it('is refused with what is wrong with it, and nothing is stored', async () => {
    const problemOf = async (body: object) => {
      const outcome = await bench.command('PutSchedule', 'bad', body as never);
      return outcome.accepted ? undefined : outcome.problem;
    };
    const good = { workflow_name: 'count', cron: '0 0 * * *' };
    expect(await problemOf({ ...good, cron: '0 0 31 2 *' })).toMatchObject({
      code: 'invalid-schedule',
      errors: [{ field: 'cron', message: 'never comes' }],
    });
    expect(await problemOf({ ...good, time_zone: 'Mars/Olympus' })).toMatchObject({
      errors: [{ field: 'time_zone' }],
    });
    expect(await problemOf({ ...good, workflow_name: 'none' })).toMatchObject({
      code: 'workflow-definition-unknown',
    });
    expect(await problemOf({ ...good, context_data: { occurrence: 1 } })).toMatchObject({
      errors: [{ field: 'context_data' }],
    });
    await expect(shown('bad')).rejects.toThrow('schedule-unknown');
  });

  it('is kept by the other replica when its keeper is gone, and no moment is started twice or lost', async () => {
    await put('survivor', { overlap: 'allow' });
    await until('survivor', (one) => started(one).length >= 2);
    const [keeper] = bench.replicas;
    if (!keeper) throw new Error('there is no replica');
    await bench.cutOff(keeper);
    await keeper.stop();
    const count = started(await shown('survivor')).length;
    const after = await until('survivor', (one) => started(one).length >= count + 4);
    await say('DeleteSchedule', 'survivor');
    const dues = started(after).map(({ due_at }) => Date.parse(due_at));
    const [newest = 0] = dues;
    expect(dues).toEqual(dues.map((_, index) => newest - index * 1_000));
    for (const { workflow_id = '' } of started(after)) await bench.ended(workflow_id);
  });
});
