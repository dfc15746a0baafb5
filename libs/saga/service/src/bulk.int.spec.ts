import type { AnswerOf, sagaContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { SagaBench, shopCall } from './testing/saga-bench';

type Preview = AnswerOf<typeof sagaContract.previewBulkOperation>;
type Shown = AnswerOf<typeof sagaContract.getBulkOperation>;

let bench: SagaBench;
beforeAll(async () => {
  bench = await SagaBench.open('bulk');
  await bench.addReplica();
  const retry_policy = { max_retries: 0 };
  const undo = { service_name: 'shop', endpoint: '/undo-a' };
  await bench.register(
    'order',
    [shopCall('a', { compensation_action: undo }), shopCall('b', { retry_policy })],
    { compensation_strategy: 'none' },
  );
});
afterAll(() => bench.close());

const answering = (isWell: boolean) => {
  bench.participants.react = ({ path }) =>
    path === '/b' && !isWell ? { status: 409, body: {} } : { status: 200, body: { id: 'h' } };
};
const failing = async (prefix: string, count: number, wedding_id = prefix) => {
  answering(false);
  const ids = await Promise.all(
    Array.from({ length: count }, (_, at) =>
      bench.start('order', `${prefix}-${at}`, { wedding_id }),
    ),
  );
  for (const id of ids) await bench.ended(id);
  answering(true);
  return ids;
};
const outcomeOf = (bulk_id: string, body: JsonObject) =>
  bench.command('StartBulkOperation', bulk_id, { reason: 'it is back', ...body });
const start = async (bulk_id: string, body: JsonObject) => {
  const outcome = await outcomeOf(bulk_id, body);
  if (!outcome.accepted) throw new Error(JSON.stringify(outcome.problem));
  return outcome;
};
const preview = (input: JsonObject) => bench.ask<Preview>('preview-bulk-operation', input);
const shown = (bulk_id: string) =>
  bench.ask<Shown>('get-bulk-operation', { bulk_id, limit: 200 }).catch((fault: unknown) => {
    if (String(fault).includes('bulk-unknown')) return undefined;
    throw fault;
  });
const until = (bulk_id: string, isWanted: (operation: Shown['operation']) => boolean) =>
  bench.eventually(
    () => shown(bulk_id),
    (one) => one !== undefined && isWanted(one.operation),
  );

describe('an operation on many runs', () => {
  it('does what its preview showed, to those runs alone, at its rate', async () => {
    const ids = await failing('outage', 12);
    const others = await failing('other', 2);
    const filter = { status: 'failed', wedding_id: 'outage' };
    const seen = await bench.eventually(
      () => preview({ action: 'retry', ...filter }),
      ({ count }) => count === 12,
    );
    expect(seen.workflow_ids.toSorted()).toEqual(ids.toSorted());
    const begun = performance.now();
    const { answer } = await start('outage', {
      action: 'retry',
      filter,
      expected_count: 12,
      rate_per_second: 10,
    });
    expect(answer).toEqual({ bulk_id: 'outage', count: 12 });
    const done = await until('outage', ({ status }) => status === 'completed');
    expect(performance.now() - begun).toBeGreaterThan(900);
    expect(done?.operation).toMatchObject({ count: 12, accepted: 12, refused: 0 });
    expect(done?.items.map(({ workflow_id }) => workflow_id)).toEqual(seen.workflow_ids);
    for (const id of ids) expect((await bench.ended(id)).workflow.current_status).toBe('completed');
    for (const id of others)
      expect((await bench.status(id)).workflow.current_status).toBe('failed');
  });

  it('can be aborted, and leaves alone what it has not come to', async () => {
    const ids = await failing('aborted', 8);
    const filter = { wedding_id: 'aborted' };
    await start('aborted', { action: 'compensate', filter, rate_per_second: 2 });
    await until('aborted', ({ accepted }) => accepted >= 1);
    await bench.command('AbortBulkOperation', 'aborted', { reason: 'a mistake' });
    const after = await until('aborted', ({ status }) => status === 'aborted');
    const count = after?.operation.accepted ?? 0;
    expect([count >= 1, count < 8]).toEqual([true, true]);
    const states = after?.items.map(({ status }) => status) ?? [];
    expect(states.filter((status) => status === 'waiting')).toHaveLength(8 - count);
    const compensated = await bench.eventually(
      async () => (await bench.list({ wedding_id: 'aborted', status: 'compensated' })).workflows,
      (rows) => rows.length >= count,
    );
    expect(compensated.length).toBe(count);
    expect(ids).toHaveLength(8);
  });

  it('pauses all runs of a workflow, and lets them go on', async () => {
    const approval = { name: 'approval', type: 'wait_for_signal', signal: 'approved' };
    await bench.register('approve', [approval, shopCall('a')]);
    answering(true);
    const ids = await Promise.all(
      ['1', '2', '3'].map((number) => bench.start('approve', `approve-${number}`)),
    );
    const filter = { workflow_name: 'approve' };
    await start('stop', { action: 'pause', filter, expected_count: 3, rate_per_second: 100 });
    await until('stop', ({ status }) => status === 'completed');
    for (const id of ids) {
      expect((await bench.status(id)).workflow.paused).toBe(true);
      await bench.command('SignalWorkflow', id, { signal: 'approved' });
    }
    await bench.eventually(
      () => preview({ action: 'pause', ...filter }),
      ({ count }) => count === 0,
    );
    await start('go', { action: 'resume', filter, expected_count: 3, rate_per_second: 100 });
    for (const id of ids) expect((await bench.ended(id)).workflow.current_status).toBe('completed');
    const done = await until('go', ({ status }) => status === 'completed');
    expect(done?.operation).toMatchObject({ accepted: 3, refused: 0 });
  });

  it('goes on where it was when the replica that works on it is gone, and asks nobody twice', async () => {
    const ids = await failing('survivor', 8);
    await start('survivor', {
      action: 'retry',
      filter: { wedding_id: 'survivor' },
      rate_per_second: 4,
    });
    await until('survivor', ({ accepted }) => accepted >= 2);
    const [keeper] = bench.replicas;
    if (!keeper) throw new Error('there is no replica');
    await bench.cutOff(keeper);
    await keeper.stop();
    const done = await until('survivor', ({ status }) => status === 'completed');
    expect(done?.operation).toMatchObject({ accepted: 8, refused: 0 });
    for (const id of ids) {
      const { workflow, execution_timeline } = await bench.ended(id);
      expect(workflow.current_status).toBe('completed');
      expect(execution_timeline.filter(({ event }) => event === 'RunRetried')).toHaveLength(1);
    }
  });

  it('is refused without a filter, with one that nothing fits, and when the number is another', async () => {
    const refusal = async (body: JsonObject) => {
      const outcome = await outcomeOf('refused', { action: 'retry', ...body });
      return outcome.accepted ? undefined : outcome.problem;
    };
    expect(await refusal({ filter: {} })).toMatchObject({
      code: 'invalid-input',
      errors: [{ field: 'filter', message: expect.stringMatching(/at least one thing/) }],
    });
    expect(await refusal({ filter: { wedding_id: 'nobody' } })).toMatchObject({
      code: 'bulk-empty',
    });
    const filter = { status: 'failed', wedding_id: 'other' };
    expect(await refusal({ filter, expected_count: 5 })).toMatchObject({
      code: 'bulk-count-differs',
    });
    await expect(preview({ action: 'retry' })).rejects.toThrow('must name at least one thing');
    expect(await shown('refused')).toBeUndefined();
  });
});
