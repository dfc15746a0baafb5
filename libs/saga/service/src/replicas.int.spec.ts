import { workflowStream, type RunEvent } from '@downbeat/saga-domain';
import { Replica } from './engine/replica';
import { SagaBench, shopCall } from './testing/saga-bench';

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

let takenOverBefore = 0;
beforeEach(() => (takenOverBefore = bench.takenOver));

/** Calls of a run in order. What was under way when runs changed hands, as after a stall, came again and counts once. */
const callsOf = (run: string) => {
  if (bench.takenOver === takenOverBefore) return bench.participants.of(run);
  const calls = bench.participants.seen.filter((call) => call.run === run);
  return [...new Map(calls.map(({ key, attempt }) => [`${key} ${attempt}`, key])).values()];
};

describe('a run that stands for a step', () => {
  const sub = (more: object = {}) => ({
    name: 'sub',
    type: 'sub_workflow',
    workflow_name: 'part',
    input_mapping: { n: 'n' },
    output_mapping: { held: 'held' },
    ...more,
  });
  const fine = () => {
    bench.participants.react = () => ({ status: 200, body: { id: 'h-1' } });
  };
  const runOf = async (correlation_id: string) =>
    (await bench.list({ correlation_id })).workflows[0]?.id ?? '';
  const listed = async (correlation_id: string) => {
    for (let n = 0; n < 200 && (await runOf(correlation_id)) === ''; n++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    return runOf(correlation_id);
  };

  it('answers with its context, and is undone with the step, across replicas', async () => {
    fine();
    await bench.register('part', [shopCall('hold', { output_mapping: { held: 'id' } })]);
    await bench.register('whole', [shopCall('a'), sub(), shopCall('b')]);
    bench.participants.react = async ({ key }) => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return key === 'b' ? { status: 409 } : { status: 200, body: { id: 'h-1' } };
    };
    const ids = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        bench.start('whole', `whole-${n}`, { context_data: { n } }),
      ),
    );
    for (const id of ids) {
      const status = await bench.ended(id);
      expect(status.workflow).toMatchObject({
        current_status: 'compensated',
        context_data: { held: 'h-1' },
      });
      expect(callsOf(id)).toEqual(['a', 'b', 'a:undo']);
      const part = await listed(`${id}:sub`);
      expect(callsOf(part)).toEqual(['hold', 'hold:undo']);
      expect((await bench.ended(part)).workflow.initiating_service).toBe('whole');
    }
  });

  it('makes the step fail when it fails, and is retried with it', async () => {
    await bench.register('shaky', [shopCall('x')], { compensation_strategy: 'none' });
    await bench.register('around', [sub({ workflow_name: 'shaky', output_mapping: {} })], {
      compensation_strategy: 'none',
    });
    bench.participants.react = () => ({ status: 409 });
    const id = await bench.start('around', 'around-1');
    expect((await bench.ended(id)).workflow).toMatchObject({
      current_status: 'failed',
      error_details: { error_message: expect.stringContaining('the sub-workflow is failed') },
    });
    fine();
    await bench.command('RetryWorkflow', id, { retry_strategy: 'failed_steps' });
    await bench.until(id, ({ workflow }) => workflow.current_status === 'completed');
    const part = await listed(`${id}:sub`);
    expect(bench.participants.of(part)).toEqual(['x', 'x']);
  });

  it('fails the step when there is no such workflow, and a cycle is refused', async () => {
    await bench.register('lost', [sub({ workflow_name: 'nowhere' })]);
    const id = await bench.start('lost', 'lost-1');
    expect((await bench.ended(id)).workflow.current_status).toBe('failed');
    await bench.register('inner', [sub({ workflow_name: 'outer' })]);
    const refused = await bench.command('RegisterWorkflowDefinition', 'outer', {
      steps: [sub({ workflow_name: 'inner' })],
    } as never);
    expect(refused).toMatchObject({
      problem: { kind: 'invalid', errors: [{ field: 'steps.0.workflow_name' }] },
    });
  });
});

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
      expect(callsOf(id)).toEqual(['a', 'a:undo']);
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
