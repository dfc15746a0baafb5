import { workflowStream, type RunEvent } from '@downbeat/saga-domain';
import { Replica } from './engine/replica';
import { SagaBench, shopCall } from './testing/saga-bench';

jest.setTimeout(60_000);

const RUNS = 100;

let bench: SagaBench;
beforeAll(async () => {
  bench = await SagaBench.open('replicas');
  await bench.addReplica();
});
afterAll(() => bench.close());

const replicaOf = (index: number) => {
  const service = bench.replicas[index];
  if (!service) throw new Error(`there is no replica ${index}`);
  return { service, replica: service.app.get(Replica) };
};

describe('two replicas', () => {
  it("carry out an operator's command on a run that either of them holds", async () => {
    await bench.register('held', [shopCall('a'), shopCall('b')]);
    let go: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (go = resolve));
    bench.participants.react = async ({ key }) => {
      if (key === 'a') await gone;
      return { status: 200, body: { id: 'h-1' } };
    };
    const ids = await Promise.all(
      Array.from({ length: 8 }, (_, index) => bench.start('held', `held-${index}`)),
    );
    const outcomes = await Promise.all(
      ids.map((id) => bench.command('CompensateWorkflow', id, { reason: 'stop' })),
    );
    expect(outcomes.filter(({ accepted }) => accepted)).toHaveLength(ids.length);
    go();
    for (const id of ids) {
      expect((await bench.ended(id)).workflow.current_status).toBe('compensated');
      expect(bench.participants.of(id)).toEqual(['a', 'a:undo']);
    }
  });

  it('lose nothing and repeat no effect when one of them is cut off', async () => {
    await bench.register('shared', [shopCall('a'), shopCall('b'), shopCall('c')]);
    const calls = new Map<string, number>();
    bench.participants.react = async ({ run, key, attempt }) => {
      const call = `${run}:${key}:${attempt}`;
      calls.set(call, (calls.get(call) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, 30));
      const isRefused = key === 'c' && run.endsWith('0');
      return isRefused ? { status: 409 } : { status: 200, body: { id: key } };
    };
    const first = replicaOf(0);
    const begun = Array.from({ length: RUNS }, (_, index) =>
      bench.start('shared', `shared-${index}`),
    );
    while (first.replica.status().open_runs < 5) await new Promise((r) => setTimeout(r, 1));
    await bench.cutOff(first.service);
    const ids = await Promise.all(begun);
    await Promise.all(ids.map((id) => bench.ended(id)));

    expect(replicaOf(1).replica.status().taken_over).toBeGreaterThan(0);
    const store = bench.database.store('saga');
    for (const id of ids) {
      const events = (await store.load<RunEvent>(workflowStream(id))) as readonly RunEvent[];
      const ends = events.filter(({ type }) =>
        ['WorkflowCompleted', 'WorkflowFailed', 'WorkflowCompensated'].includes(type),
      );
      expect(ends).toHaveLength(1);
      // Called again was only what the first replica had under way when it was cut off.
      const calledAgain = events.filter(
        (event) =>
          event.type === 'StepCompleted' &&
          !event.data.reissued &&
          calls.get(`${id}:${event.data.step}:${event.data.attempt}`) !== 1,
      );
      expect(calledAgain).toEqual([]);
    }
    await replicaOf(1).replica.takeOver();
    expect(replicaOf(1).replica.status()).toMatchObject({ open_runs: 0, troubled_runs: 0 });
  });
});
