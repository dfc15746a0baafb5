import { sagaContract, type AnswerOf } from '@downbeat/contracts';
import type { Instant, JsonObject } from '@downbeat/eventsourcing';
import { ProjectionRunner } from '@downbeat/projections';
import { ContextPool, pageOf } from '@downbeat/service-host';
import { ExpectedDurations } from './projections/workflows/expected-durations';
import { OldBulkOperations } from './retention/old-bulk-operations';
import { SagaBench, shopCall } from './testing/saga-bench';

type Preview = AnswerOf<typeof sagaContract.previewRetention>;
type Policies = AnswerOf<typeof sagaContract.listRetentionPolicies>;

let bench: SagaBench;
beforeAll(async () => {
  bench = await SagaBench.open('retention');
  await bench.addReplica();
});
afterAll(() => bench.close());

const retry_policy = { max_retries: 0 };
const unretried = { service_name: 'shop', endpoint: '/undo', retry_policy };
const register = (name: string) =>
  bench.register(name, [
    shopCall('a', { compensation_action: unretried }),
    shopCall('b', { retry_policy }),
  ]);
/** Every run completes, but for those named. */
const refusing = (...paths: readonly string[]) => {
  bench.participants.react = ({ path }) => ({ status: paths.includes(path) ? 409 : 200, body: {} });
};
const ended = async (workflow: string, count: number, more: JsonObject = {}) => {
  const names = Array.from({ length: count }, (_, at) => `${workflow}-${at}-${Date.now()}`);
  const ids = await Promise.all(names.map((name) => bench.start(workflow, name, more)));
  for (const id of ids) await bench.ended(id);
  return ids;
};
const put = async (workflow_name: string, rules: JsonObject) => {
  const outcome = await bench.command('PutRetentionPolicy', workflow_name, rules);
  if (!outcome.accepted) throw new Error(JSON.stringify(outcome.problem));
  return outcome.position;
};
const idsOf = async (input: JsonObject) =>
  (await bench.list({ limit: 200, ...input })).workflows.map(({ id }) => id).toSorted();
const eventuallyIds = (input: JsonObject, ids: readonly string[]) =>
  bench.eventually(
    () => idsOf(input),
    (found) => JSON.stringify(found) === JSON.stringify(ids.toSorted()),
  );
const preview = (input: JsonObject) => bench.ask<Preview>('preview-retention', input);
const problemOf = async (name: string, input: JsonObject, more: JsonObject = {}) => {
  const outcome = await bench.bus.query(`query.saga.${name}`, { input, ...more });
  return outcome.ok ? undefined : outcome.problem;
};
const isEqual = async (name: string) => {
  const outcome = await bench.bus.query(
    'query.saga.verify-read-model',
    { name },
    { timeoutMs: 20_000 },
  );
  return outcome.ok && (outcome.data as { is_equal: boolean }).is_equal;
};

it('archives what has ended, says which before, and leaves the rest', async () => {
  await register('kept');
  await register('short');
  refusing();
  const kept = await ended('kept', 2);
  const short = await ended('short', 3, { wedding_id: 'w-1' });
  const before = (await bench.status(short[0] ?? '')).workflow;

  const due = { action: 'archive', workflow_name: 'short', after_days: 0 };
  const shown = await bench.eventually(
    () => preview(due),
    ({ count }) => count === 3,
  );
  expect(shown.workflow_ids.toSorted()).toEqual(short.toSorted());
  const page = await preview({ ...due, limit: 2 });
  const rest = await preview({ ...due, limit: 2, cursor: page.next_cursor });
  expect([...page.workflow_ids, ...rest.workflow_ids]).toEqual(shown.workflow_ids);
  expect(await preview({ action: 'archive', workflow_name: 'short' })).toMatchObject({ count: 0 });

  const listed = (await bench.list({ workflow_name: 'short' })).workflows;
  const position = await put('short', { completed: { archive_after_days: 0 } });
  await eventuallyIds({ workflow_name: 'short', archived: true }, short);
  expect(await idsOf({ workflow_name: 'short' })).toEqual([]);
  expect(await idsOf({ workflow_name: 'kept' })).toEqual(kept.toSorted());
  expect(await idsOf({ workflow_name: 'kept', archived: true })).toEqual([]);

  // The same as before, in the same order, and nothing else is asked otherwise.
  const archived = await bench.list({ workflow_name: 'short', archived: true });
  expect(archived.workflows.map(({ archived_at: _, ...row }) => row)).toEqual(listed);
  expect(archived.status_summary).toMatchObject({ completed: 3, failed: 0 });
  expect((await bench.status(short[0] ?? '')).workflow).toEqual({
    ...before,
    archived_at: expect.any(String),
  });
  const then = await bench.ask<typeof archived>(
    'list-workflows',
    { workflow_name: 'short' },
    { at: position },
  );
  expect(then.workflows).toEqual(listed);
});

it('restores an archived run that is retried', async () => {
  await register('again');
  refusing('/b');
  const [id = ''] = await ended('again', 1);
  await put('again', { compensated: { archive_after_days: 0 }, failed: { archive_after_days: 0 } });
  await eventuallyIds({ workflow_name: 'again', archived: true }, [id]);
  expect(await bench.command('CompensateWorkflow', id, { reason: 'no' })).toMatchObject({
    problem: { code: 'already-compensated' },
  });
  expect(await idsOf({ workflow_name: 'again', archived: true })).toEqual([id]);

  await register('undone');
  refusing();
  const [done = ''] = await ended('undone', 1);
  await put('undone', { completed: { archive_after_days: 0 } });
  await eventuallyIds({ workflow_name: 'undone', archived: true }, [done]);
  const outcome = await bench.command('CompensateWorkflow', done, { reason: 'late' });
  expect(outcome).toMatchObject({ accepted: true });
  await eventuallyIds({ workflow_name: 'undone' }, [done]);
  expect(await idsOf({ workflow_name: 'undone', archived: true })).toEqual([]);
  await bench.until(done, ({ workflow }) => workflow.current_status === 'compensated');
});

it('takes resolved incidents along', async () => {
  await register('incident');
  refusing('/b', '/undo');
  const id = await bench.start('incident', 'incident-1');
  const { workflow } = await bench.until(id, (status) => status.workflow.incident !== undefined);
  const { incident_id = '' } = workflow.incident ?? {};
  const resolve = { action: 'skip', reason: 'by phone' };
  await bench.command('ResolveIncident', incident_id, resolve);
  await bench.ended(id);
  const incidents = () =>
    bench.ask<{ incidents: readonly object[] }>('list-incidents', { workflow_id: id });
  await bench.eventually(incidents, ({ incidents }) => incidents.length === 1);
  await put('incident', { compensated: { archive_after_days: 0 } });
  await bench.eventually(incidents, ({ incidents }) => incidents.length === 0);
});

it('purges what was archived, and says when, while the past can still be asked', async () => {
  await register('purged');
  refusing();
  const ids = await ended('purged', 2);
  const [id = ''] = ids;
  const rules = { completed: { archive_after_days: 0, purge_after_days: 0 } };
  const position = await put('purged', rules);
  const gone = await bench.eventually(
    async () => (await problemOf('workflow-status', { workflow_id: id })) ?? {},
    (problem) => 'code' in problem,
  );
  expect(gone).toMatchObject({
    code: 'workflow-purged',
    kind: 'gone',
    message: expect.stringMatching(/purged at \d{4}-\d\d-\d\dT.*replay/),
  });
  await eventuallyIds({ workflow_name: 'purged', archived: true }, []);
  expect(await idsOf({ workflow_name: 'purged' })).toEqual([]);
  expect((await bench.status(id, { at: position })).workflow.current_status).toBe('completed');
  expect(await bench.command('CompensateWorkflow', id, { reason: 'late' })).toMatchObject({
    accepted: false,
    problem: { code: 'workflow-purged', kind: 'gone' },
  });
  const { rows } = await bench.database.asOwner((owner) =>
    owner.query('select type from log.event where stream = $1 order by version', [
      `workflow-${id}`,
    ]),
  );
  expect(rows.map(({ type }) => type).slice(-2)).toEqual(['WorkflowArchived', 'WorkflowPurged']);
});

it('does the same by filter, with what operations on many runs offer', async () => {
  await register('by-hand');
  refusing();
  const ids = await ended('by-hand', 4);
  const filter = { workflow_name: 'by-hand' };
  for (const action of ['archive', 'purge'] as const) {
    const outcome = await bench.command('StartBulkOperation', `${action}-now`, {
      action,
      filter,
      reason: 'the venue asked',
      expected_count: 4,
      rate_per_second: 100,
    });
    expect(outcome).toMatchObject({ accepted: true });
    await eventuallyIds({ ...filter, archived: true }, action === 'archive' ? ids : []);
  }
  expect(await idsOf(filter)).toEqual([]);
});

it('forgets an operation on many runs that is long over', async () => {
  const shown = () =>
    bench.bus.query('query.saga.get-bulk-operation', { input: { bulk_id: 'purge-now' } });
  await bench.eventually(
    shown,
    (outcome) =>
      outcome.ok &&
      (outcome.data as { operation: { status: string } }).operation.status === 'completed',
  );
  const [replica] = bench.replicas;
  const old = replica?.app.get(OldBulkOperations, { strict: false });
  expect(await old?.forget('2000-01-01T00:00:00.000Z' as Instant)).toBe(0);
  expect(await old?.forget('2100-01-01T00:00:00.000Z' as Instant)).toBe(2);
  await bench.eventually(shown, (outcome) => !outcome.ok);
  const { rows } = await bench.database.asOwner((owner) =>
    owner.query('select count(*)::int as left from saga.bulk_run'),
  );
  expect(rows).toEqual([{ left: 0 }]);
});

it('archives although an old operation cannot be forgotten', async () => {
  const spies = bench.replicas.map(({ app }) =>
    jest
      .spyOn(app.get(OldBulkOperations, { strict: false }), 'forget')
      .mockRejectedValue(new Error('it cannot be forgotten')),
  );
  await register('all-the-same');
  refusing();
  const ids = await ended('all-the-same', 1);
  await put('all-the-same', { completed: { archive_after_days: 0 } });
  try {
    await eventuallyIds({ workflow_name: 'all-the-same', archived: true }, ids);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
});

it('knows how long archived runs took', async () => {
  const delay = { name: 'wait', type: 'delay', delay_seconds: 0.5 };
  await bench.register('measured', [delay]);
  const ids = await ended('measured', 1);
  await put('measured', { completed: { archive_after_days: 0 } });
  await eventuallyIds({ workflow_name: 'measured', archived: true }, ids);
  const [replica] = bench.replicas;
  if (!replica) throw new Error('nobody is there');
  const of = <Part>(part: abstract new (...parts: never[]) => Part): Part =>
    replica.app.get(part, { strict: false });
  // As a process has it that has just begun.
  const durations = new ExpectedDurations(of(ContextPool), of(ProjectionRunner));
  durations.start();
  try {
    await bench.eventually(
      async () => durations.minutesOf('measured'),
      (minutes) => minutes > 0,
    );
  } finally {
    await durations.stop();
  }
});

it('begins at the top with the cursor of another list', async () => {
  const due = { action: 'archive', workflow_name: 'kept', after_days: 0 };
  const all = await preview(due);
  expect(all.count).toBe(2);
  for (const key of ['127', '1 x', '2026-11-21 x', 'x']) {
    const cursor = pageOf([1, 2], 1, () => key).nextCursor;
    expect(await preview({ ...due, cursor })).toEqual(all);
  }
});

it('has no policy of a workflow that nobody has registered', async () => {
  const rules = { completed: { archive_after_days: 30 } };
  expect(await bench.command('PutRetentionPolicy', 'misspelt', rules)).toMatchObject({
    accepted: false,
    problem: { code: 'workflow-definition-unknown' },
  });
  for (const name of ['PutRetentionPolicy', 'DeleteRetentionPolicy'])
    expect(
      await bench.command(name, '_default', name === 'PutRetentionPolicy' ? rules : {}),
    ).toMatchObject({ accepted: true });
});

it('tells the policies, the default first, and who said them', async () => {
  const names = async () => (await bench.ask<Policies>('list-retention-policies', {})).policies;
  const [builtIn, ...said] = await names();
  expect(builtIn).toEqual({
    workflow_name: '_default',
    completed: { archive_after_days: 30 },
    failed: { archive_after_days: 90 },
    compensated: { archive_after_days: 90 },
  });
  expect(said.find(({ workflow_name }) => workflow_name === 'purged')).toMatchObject({
    completed: { archive_after_days: 0, purge_after_days: 0 },
    changed_by: expect.any(String),
  });
  await bench.command('DeleteRetentionPolicy', 'purged', {});
  await bench.eventually(names, (all) => all.every((one) => one.workflow_name !== 'purged'));
  expect(
    await bench.command('PutRetentionPolicy', 'purged', {
      failed: { archive_after_days: 2, purge_after_days: 1 },
    }),
  ).toMatchObject({ problem: { errors: [{ field: 'failed.purge_after_days' }] } });
});

it.each(['saga.workflows', 'saga.incidents', 'saga.bulk-operations', 'saga.retention'])(
  'leaves %s equal to a rebuild from the log',
  async (name) => expect(await isEqual(name)).toBe(true),
);
