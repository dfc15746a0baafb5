import { call, fixedCall } from '@downbeat/saga-domain/testing';
import { instantOf } from '@downbeat/eventsourcing';
import { Logger } from '@nestjs/common';
import { EngineBench, type BenchReplica } from '../testing/engine-bench';
import { workflowIdOf } from './workflow-id';

beforeAll(() => Logger.overrideLogger(false));

let bench: EngineBench;
let one: BenchReplica;

beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  bench = new EngineBench((ms) => jest.advanceTimersByTimeAsync(ms));
  one = await bench.open();
});
afterEach(async () => {
  for (const { replica } of bench.replicas) await replica.abandon();
  jest.useRealTimers();
  expect(bench.services.wrongs).toEqual([]);
});

const ok = { kind: 'ok', output: {} } as const;
const refusal = { kind: 'answer', status: 409, message: 'no' } as const;

/** Answers of `a` come when the test says so. */
function holdingA() {
  const gives: (() => void)[] = [];
  bench.services.answerTo = ({ step }) =>
    step === 'a' ? new Promise((resolve) => gives.push(() => resolve(ok))) : ok;
  return { give: () => gives.splice(0).forEach((one) => one()) };
}

function migrate(on: BenchReplica, correlation: string, to_version = '2.0.0', commandId = 'm1') {
  const data = { workflow_id: workflowIdOf(correlation), to_version, reason: 'a better one' };
  const meta = { correlation_id: 'm', causation_id: 'm', actor: 'test' };
  return on.engine.tell(
    { type: 'MigrateWorkflow', data, at: instantOf(0) },
    { commandId, meta, answer: () => ({}) },
  );
}
const registered = async () => {
  await bench.register([call('a'), call('b')]);
  const begin = bench.start(one, 'c1');
  await begin;
  await bench.register([call('a'), call('c')], { version: '2.0.0' });
};

describe('a run in the hands of an engine', () => {
  it('goes on by the version it migrated to, whatever was under way', async () => {
    const a = holdingA();
    await registered();
    expect(await migrate(one, 'c1')).toMatchObject({ repeated: false });
    a.give();
    await bench.pass(0);
    expect(bench.services.named).toEqual(['a', 'c']);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('is asked once under one command id', async () => {
    holdingA();
    await registered();
    await migrate(one, 'c1');
    expect(await migrate(one, 'c1')).toMatchObject({ repeated: true });
    expect(bench.types('c1').filter((type) => type === 'WorkflowMigrated')).toHaveLength(1);
  });

  it('goes on by it with the replica that takes it over, which makes the lost call again', async () => {
    holdingA();
    await registered();
    await migrate(one, 'c1');
    await bench.crash(one);
    const two = await bench.open();
    bench.services.answerTo = () => ok;
    await bench.live(4_000);
    await two.replica.takeOver();
    await bench.pass(0);
    expect(bench.services.named).toEqual(['a', 'a', 'c']);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it.each(['lost', 'unanswered', 'late'] as const)(
    'knows by the log what it goes by, when the answer of the append was %s',
    async (fate) => {
      const a = holdingA();
      await registered();
      let left = 1;
      one.store.fateOf = ({ events }) =>
        events[0]?.type === 'WorkflowMigrated' && left-- > 0 ? fate : 'stored';
      await migrate(one, 'c1').catch(() => undefined);
      await bench.live(20_000);
      const isMigrated = bench.types('c1').includes('WorkflowMigrated');
      a.give();
      await bench.live(20_000);
      expect(bench.services.named).toEqual(['a', isMigrated ? 'c' : 'b']);
      expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
    },
  );

  it('is refused a version that nobody has registered, and one it could not have come by', async () => {
    holdingA();
    await registered();
    await bench.register([call('other')], { version: '3.0.0' });
    expect(await migrate(one, 'c1', '9.0.0', 'm2')).toMatchObject({
      code: 'workflow-definition-unknown',
    });
    expect(await migrate(one, 'c1', '3.0.0', 'm3')).toMatchObject({
      code: 'migration-impossible',
      errors: [{ field: 'a', message: 'was reached, and is no step of 3.0.0' }],
    });
    expect(bench.types('c1')).not.toContain('WorkflowMigrated');
  });

  it('migrates at rest on any replica, is nobody’s before and after, and is retried by it', async () => {
    await bench.register([call('a'), fixedCall('b')], { compensation_strategy: 'none' });
    bench.services.answerTo = ({ endpoint }) => (endpoint === '/b' ? refusal : ok);
    await bench.start(one, 'c1');
    await bench.pass(0);
    expect(bench.ends('c1')).toEqual(['WorkflowFailed']);
    await bench.register([call('a'), fixedCall('b', { endpoint: '/b/v2' })], { version: '2.0.0' });
    const two = await bench.open();
    expect(await migrate(two, 'c1')).toMatchObject({ repeated: false });
    expect(bench.holderOf('c1')).toBeUndefined();
    expect(two.engine.status().open_runs).toBe(0);
    await bench.retry(one, 'c1');
    await bench.pass(0);
    expect(bench.services.named).toEqual(['a', 'b', 'b:2']);
    expect(bench.ends('c1')).toEqual(['WorkflowFailed', 'WorkflowCompleted']);
  });
});
