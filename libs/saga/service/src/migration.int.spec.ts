import type { AnswerOf, sagaContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { SagaBench, shopCall } from './testing/saga-bench';

type Foreseen = AnswerOf<typeof sagaContract.previewMigration>;
type Preview = AnswerOf<typeof sagaContract.previewBulkOperation>;
type Shown = AnswerOf<typeof sagaContract.getBulkOperation>;

let bench: SagaBench;
beforeAll(async () => {
  bench = await SagaBench.open('migration');
  await bench.addReplica();
});
afterAll(() => bench.close());

const approval = { name: 'approval', type: 'wait_for_signal', signal: 'approved' };
const migrate = (id: string, to_version: string) =>
  bench.command('MigrateWorkflow', id, { to_version, reason: 'a better one' });
const waiting = (id: string) =>
  bench.until(id, ({ steps }) =>
    steps.some(({ step_name, status }) => step_name === 'approval' && status === 'running'),
  );

describe('a run that migrates', () => {
  it('does what its preview showed, and says so in its status, its timeline and the list', async () => {
    await bench.register('order', [approval, shopCall('a')]);
    const id = await bench.start('order', 'order-1');
    await waiting(id);
    await bench.register('order', [approval, shopCall('b')], { version: '2.0.0' });
    const input = { workflow_id: id, to_version: '2.0.0' };
    expect(await bench.ask<Foreseen>('preview-migration', input)).toEqual({
      ...input,
      from_version: '1.0.0',
      is_possible: true,
      steps: [
        { step_name: 'approval', fate: 'goes_on' },
        { step_name: 'b', fate: 'added' },
        { step_name: 'a', fate: 'removed' },
      ],
    });
    const outcome = await migrate(id, '2.0.0');
    expect(outcome).toMatchObject({
      accepted: true,
      answer: { workflow_id: id, status: 'running', workflow_version: '2.0.0' },
    });
    await bench.command('SignalWorkflow', id, { signal: 'approved' });
    const { workflow, steps, execution_timeline } = await bench.ended(id);
    expect(workflow).toMatchObject({ current_status: 'completed', workflow_version: '2.0.0' });
    expect(steps.map(({ step_name }) => step_name)).toEqual(['approval', 'b']);
    expect(execution_timeline.find(({ event }) => event === 'WorkflowMigrated')).toMatchObject({
      details: { from_version: '1.0.0', to_version: '2.0.0', reason: 'a better one' },
    });
    await bench.eventually(
      async () => (await bench.list({ correlation_id: 'order-1' })).workflows[0],
      (row) => row?.workflow_version === '2.0.0' && row.current_status === 'completed',
    );
  });

  it('is taken over by another replica with what it migrated to', async () => {
    await bench.register('take', [approval, shopCall('a')]);
    await bench.register('take', [approval, shopCall('b')], { version: '2.0.0' });
    const { answer } = (await bench.command('StartWorkflow', 'take-1', {
      workflow_name: 'take',
      workflow_version: '1.0.0',
      initiating_service: 'test',
      context_data: {},
    })) as unknown as { answer: { workflow_id: string } };
    const id = answer.workflow_id;
    await waiting(id);
    await migrate(id, '2.0.0');
    // Both there were: a third goes on.
    const before = bench.replicas.splice(0);
    await bench.addReplica();
    for (const replica of before) {
      await bench.cutOff(replica);
      await replica.stop();
    }
    await bench.eventually(
      () => bench.command('SignalWorkflow', id, { signal: 'approved' }),
      ({ accepted }) => accepted,
    );
    const { steps } = await bench.ended(id);
    expect(steps.map(({ step_name }) => step_name)).toEqual(['approval', 'b']);
  });

  it('is refused with the step that does not fit, which the preview names too', async () => {
    await bench.register('fixed', [approval, shopCall('a')]);
    await bench.register('fixed', [shopCall('new'), approval, shopCall('a')], {
      version: '2.0.0',
    });
    const outcome = await bench.command('StartWorkflow', 'fixed-1', {
      workflow_name: 'fixed',
      workflow_version: '1.0.0',
      initiating_service: 'test',
      context_data: {},
    });
    const id = outcome.accepted ? String(outcome.answer['workflow_id']) : '';
    await waiting(id);
    expect(await migrate(id, '2.0.0')).toMatchObject({
      accepted: false,
      problem: {
        code: 'migration-impossible',
        errors: [{ field: 'new', message: 'would stand before approval, which was reached' }],
      },
    });
    const input = { workflow_id: id, to_version: '2.0.0' };
    expect(await bench.ask<Foreseen>('preview-migration', input)).toMatchObject({
      is_possible: false,
      code: 'migration-impossible',
      steps: [
        { step_name: 'approval', fate: 'goes_on' },
        { step_name: 'new', fate: 'refused' },
        { step_name: 'a', fate: 'follows' },
      ],
    });
    await expect(bench.ask('preview-migration', { ...input, to_version: '9.0.0' })).rejects.toThrow(
      'workflow-definition-unknown',
    );
  });
});

describe('many runs that migrate', () => {
  const bulk = (bulk_id: string, body: JsonObject) =>
    bench.command('StartBulkOperation', bulk_id, {
      action: 'migrate',
      reason: 'the undo was wrong',
      rate_per_second: 100,
      ...body,
    });

  it('are those of the preview, which tells who would refuse and why', async () => {
    const long = [approval, shopCall('a'), { ...approval, name: 'second' }];
    await bench.register('many', long);
    const start = (name: string) => bench.start('many', name, { workflow_version: '1.0.0' });
    await bench.register('many', [approval, shopCall('b'), { ...approval, name: 'second' }], {
      version: '2.0.0',
    });
    const [early, other, late] = [await start('m-1'), await start('m-2'), await start('m-3')];
    for (const id of [early, other, late]) await waiting(id);
    await bench.command('SignalWorkflow', late, { signal: 'approved' });
    await bench.until(late, ({ steps }) =>
      steps.some(({ step_name, status }) => step_name === 'second' && status === 'running'),
    );
    const filter = { workflow_name: 'many' };
    const seen = await bench.eventually(
      () =>
        bench.ask<Preview>('preview-bulk-operation', {
          action: 'migrate',
          to_version: '2.0.0',
          ...filter,
        }),
      ({ count }) => count === 3,
    );
    expect(seen.refused).toEqual([
      {
        workflow_id: late,
        code: 'migration-impossible',
        message: expect.stringContaining('a was reached, and is no step of 2.0.0'),
      },
    ]);
    expect(await bulk('up', { filter, to_version: '2.0.0', expected_count: 3 })).toMatchObject({
      accepted: true,
    });
    const done = await bench.eventually(
      () => bench.ask<Shown>('get-bulk-operation', { bulk_id: 'up' }).catch(() => undefined),
      (one) => one?.operation.status === 'completed',
    );
    expect(done?.operation).toMatchObject({ accepted: 2, refused: 1, to_version: '2.0.0' });
    expect(done?.items.find(({ workflow_id }) => workflow_id === late)).toMatchObject({
      status: 'refused',
      code: 'migration-impossible',
    });
    for (const id of [early, other])
      expect((await bench.status(id)).workflow.workflow_version).toBe('2.0.0');
    await bench.eventually(
      () =>
        bench.ask<Preview>('preview-bulk-operation', {
          action: 'migrate',
          to_version: '2.0.0',
          ...filter,
        }),
      ({ count }) => count === 1,
    );
  });

  it('are refused without a version, without a workflow, and to what is not registered', async () => {
    const refusal = async (body: JsonObject) => {
      const outcome = await bulk('refused', body);
      return outcome.accepted ? '' : `${outcome.problem.code} ${outcome.problem.message}`;
    };
    const filter = { workflow_name: 'many' };
    expect(await refusal({ filter })).toContain('invalid-input to_version');
    expect(await refusal({ filter: { status: 'running' }, to_version: '2.0.0' })).toContain(
      'filter.workflow_name',
    );
    expect(await refusal({ filter, to_version: '9.0.0' })).toContain('workflow-definition-unknown');
    expect(await refusal({ filter, action: 'pause', to_version: '2.0.0' })).toContain(
      'belongs to the action migrate',
    );
  });
});
