import type { AnswerOf, sagaContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { OperateWorkflow } from './commands/operate-workflow';
import { runOf } from './engine/operation';
import { SagaBench, shopCall } from './testing/saga-bench';

interface Engine {
  readonly troubles: readonly { readonly code: string }[];
}
type Shown = AnswerOf<typeof sagaContract.getSchedule>;

let bench: SagaBench;
beforeAll(async () => {
  bench = await SagaBench.open('definition_pause');
  await bench.addReplica();
});
beforeEach(() => {
  bench.participants.react = () => ({ status: 200, body: { id: 'h-1' } });
});
afterAll(() => bench.close());

const approval = { name: 'approval', type: 'wait_for_signal', signal: 'approved' };
const isWaiting = ({ steps }: { steps: readonly { step_name: string; status: string }[] }) =>
  steps.some(({ step_name, status }) => step_name === 'approval' && status === 'running');
const approve = (id: string) => bench.command('SignalWorkflow', id, { signal: 'approved' });

const say = async (name: string, workflow: string, body: JsonObject = {}) => {
  const outcome = await bench.command(name, workflow, body);
  if (!outcome.accepted) throw new Error(JSON.stringify(outcome.problem));
  return outcome.position;
};
const pauseNow = (workflow: string, body: JsonObject = {}) =>
  say('PauseDefinition', workflow, { reason: 'prices are wrong', ...body });
/** Returns when every replica follows it. */
const pause = async (workflow: string, body: JsonObject = {}) => {
  const position = await pauseNow(workflow, body);
  await bench.eventually(
    () => bench.definitions({ name: workflow }),
    ({ followed_position }) => followed_position >= position,
  );
};
const resume = (workflow: string) => say('ResumeDefinition', workflow);
const tryToStart = (workflow_name: string, correlationId: string) =>
  bench.command('StartWorkflow', correlationId, {
    workflow_name,
    initiating_service: 'test',
    context_data: {},
  });
let looks = 0;
/** Returns when runs have been looked for once more. */
const lookedOnceMore = async () => {
  const name = `looked-${++looks}`;
  await bench.register(name, [approval]);
  const id = await bench.start(name, name);
  await pauseNow(name, { runs: 'pause' });
  await isPaused(id, true);
};
/** Hears what is said to runs, whichever replica says it. */
const listen = (hear: (workflowId: string) => void) => {
  const spies = bench.replicas.map(({ app }) => {
    const operate = app.get(OperateWorkflow, { strict: false });
    const carryOut = operate.carryOut.bind(operate);
    return jest.spyOn(operate, 'carryOut').mockImplementation(async (word, cause) => {
      hear(runOf(word));
      return carryOut(word, cause);
    });
  });
  return () => spies.forEach((spy) => spy.mockRestore());
};
const isPaused = (id: string, wanted: boolean) =>
  bench.until(id, ({ workflow }) => workflow.paused === wanted);

describe('a definition that is paused', () => {
  it('begins no run on any replica, and says so; runs under way go on', async () => {
    await bench.register('order', [approval, shopCall('a')]);
    const before = await bench.start('order', 'order-0');
    await pause('order');
    const codes = await Promise.all(
      Array.from({ length: 12 }, async (_, at) => {
        const outcome = await tryToStart('order', `order-${at + 1}`);
        return outcome.accepted ? 'accepted' : outcome.problem.code;
      }),
    );
    expect([...new Set(codes)]).toEqual(['definition-paused']);
    // Who asks once more for a run that has begun is answered as before.
    expect(await bench.start('order', 'order-0')).toBe(before);
    const shown = await bench.eventually(
      async () => (await bench.definitions({ name: 'order' })).definitions[0],
      (one) => one?.is_paused === true,
    );
    expect(shown).toMatchObject({ paused_because: 'prices are wrong', paused_runs: 'leave' });
    await approve(before);
    expect((await bench.ended(before)).workflow.current_status).toBe('completed');

    await resume('order');
    await bench.eventually(
      () => tryToStart('order', 'order-1'),
      ({ accepted }) => accepted,
    );
    const again = await bench.eventually(
      async () => (await bench.definitions({ name: 'order' })).definitions[0],
      (one) => one?.is_paused === false,
    );
    expect(again).not.toHaveProperty('paused_because');
    expect((await bench.list({ workflow_name: 'order' })).workflows.length).toBeLessThanOrEqual(2);
  });

  it('is refused when nobody has registered it', async () =>
    expect(await bench.command('PauseDefinition', 'nobody', { reason: 'r' })).toMatchObject({
      accepted: false,
      problem: { code: 'workflow-definition-unknown' },
    }));

  it('pauses its runs too when asked so, and resumes those and no others', async () => {
    await bench.register('halt', [approval, shopCall('a')]);
    const ids = await Promise.all(['1', '2', '3'].map((at) => bench.start('halt', `halt-${at}`)));
    const [first = '', by = '', third = ''] = ids;
    for (const id of ids) await bench.until(id, isWaiting);
    // One was paused by a person before.
    await say('PauseWorkflow', by, { reason: 'a person looks at it' });
    await pause('halt', { runs: 'pause' });
    for (const id of ids) await isPaused(id, true);
    expect((await bench.status(first)).workflow.pause).toMatchObject({
      reason: 'prices are wrong',
    });
    // A person lets one go on all the same, and it is left alone: the next turn passes it over.
    await say('ResumeWorkflow', third);
    await bench.register('mark', [approval]);
    const mark = await bench.start('mark', 'mark-1');
    await pause('mark', { runs: 'pause' });
    await isPaused(mark, true);
    expect((await bench.status(third)).workflow.paused).toBe(false);

    await approve(first);
    await resume('halt');
    expect((await bench.ended(first)).workflow.current_status).toBe('completed');
    await resume('mark');
    await isPaused(mark, false);
    expect((await bench.status(by)).workflow.paused).toBe(true);
    await say('ResumeWorkflow', by);
    for (const id of [by, third]) {
      await approve(id);
      expect((await bench.ended(id)).workflow.current_status).toBe('completed');
    }
  });

  it('lets its runs go on when it is paused once more without them', async () => {
    await bench.register('eased', [approval]);
    const id = await bench.start('eased', 'eased-1');
    await pause('eased', { runs: 'pause' });
    await isPaused(id, true);
    await pause('eased', { runs: 'leave' });
    await isPaused(id, false);
  });

  it('says nothing to a run that a person has paused after it was resumed', async () => {
    await bench.register('held', [approval]);
    const id = await bench.start('held', 'held-1');
    await pause('held', { runs: 'pause' });
    await isPaused(id, true);
    await resume('held');
    await isPaused(id, false);
    await say('PauseWorkflow', id, { reason: 'a person looks at it' });
    await lookedOnceMore();
    const heard: string[] = [];
    const mute = listen((one) => void heard.push(one));
    await lookedOnceMore();
    await lookedOnceMore();
    mute();
    expect(heard).not.toContain(id);
    expect((await bench.status(id)).workflow.paused).toBe(true);
  });

  it('leaves a run alone that was paused by a person before, and resumed by one since', async () => {
    await bench.register('own', [approval]);
    const id = await bench.start('own', 'own-1');
    await say('PauseWorkflow', id, { reason: 'a person looks at it' });
    await pause('own', { runs: 'pause' });
    await say('ResumeWorkflow', id);
    await lookedOnceMore();
    await lookedOnceMore();
    expect((await bench.status(id)).workflow.paused).toBe(false);
    // The next pause is of all.
    await pause('own', { runs: 'leave' });
    await pause('own', { runs: 'pause' });
    await isPaused(id, true);
  });

  it('reaches the runs behind those that cannot be asked', async () => {
    await bench.register('stuck', [approval]);
    const starts = Array.from({ length: 21 }, (_, at) => bench.start('stuck', `stuck-${at}`));
    await Promise.all(starts);
    const { workflows } = await bench.eventually(
      () => bench.list({ workflow_name: 'stuck', limit: 200 }),
      (listed) => listed.workflows.length === starts.length,
    );
    const oldestFirst = workflows.map(({ id }) => id).toReversed();
    const last = oldestFirst.pop() ?? '';
    const mute = listen((one) => {
      if (oldestFirst.includes(one)) throw new Error('its holder does not answer');
    });
    await pauseNow('stuck', { runs: 'pause' });
    await isPaused(last, true);
    mute();
    for (const id of oldestFirst) await isPaused(id, true);
    await resume('stuck');
    for (const id of [last, ...oldestFirst]) await isPaused(id, false);
  });

  it('pauses a run again that was archived and is undone', async () => {
    const compensation_action = { service_name: 'shop', endpoint: '/undo' };
    await bench.register('undone', [approval, shopCall('a', { compensation_action })]);
    const id = await bench.start('undone', 'undone-1');
    await pause('undone', { runs: 'pause' });
    await isPaused(id, true);
    await say('ResumeWorkflow', id);
    await approve(id);
    await bench.ended(id);
    await say('PutRetentionPolicy', 'undone', { completed: { archive_after_days: 0 } });
    await bench.eventually(
      async () => (await bench.list({ workflow_name: 'undone', archived: true })).workflows.length,
      (count) => count === 1,
    );
    let answer: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    bench.participants.react = async ({ path }) => {
      if (path === '/undo') await held;
      return { status: 200, body: {} };
    };
    await say('CompensateWorkflow', id, { reason: 'late' });
    await isPaused(id, true);
    const heard: string[] = [];
    const mute = listen((one) => void heard.push(one));
    await lookedOnceMore();
    await lookedOnceMore();
    mute();
    expect(heard).not.toContain(id);
    answer();
    await resume('undone');
    expect((await bench.ended(id)).workflow.current_status).toBe('compensated');
  });

  it('records the calls under way, and begins nothing behind them', async () => {
    await bench.register('calls', [shopCall('a', { timeout_seconds: 30 }), shopCall('b')]);
    let answer: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    bench.participants.react = async ({ path }) => {
      if (path === '/a') await held;
      return { status: 200, body: { id: 'h-1' } };
    };
    const id = await bench.start('calls', 'calls-1');
    await pause('calls', { runs: 'pause' });
    await isPaused(id, true);
    answer();
    const { steps, workflow } = await bench.until(id, (one) =>
      one.steps.some(({ step_name, status }) => step_name === 'a' && status === 'completed'),
    );
    expect(workflow).toMatchObject({ current_status: 'running', paused: true });
    expect(steps.find(({ step_name }) => step_name === 'b')?.status).toBe('pending');
    await resume('calls');
    expect((await bench.ended(id)).workflow.current_status).toBe('completed');
  });

  it('finds each start that came at the same time begun and paused, or refused', async () => {
    await bench.register('rush', [approval, shopCall('a')]);
    const starts = Array.from({ length: 40 }, (_, at) => tryToStart('rush', `rush-${at}`));
    const [outcomes] = await Promise.all([
      Promise.all(starts),
      pauseNow('rush', { runs: 'pause' }),
    ]);
    const begun = outcomes.flatMap((one) =>
      one.accepted ? [String(one.answer['workflow_id'])] : [],
    );
    for (const one of outcomes)
      if (!one.accepted) expect(one.problem.code).toBe('definition-paused');
    for (const id of begun) await isPaused(id, true);
    await bench.eventually(
      async () => (await bench.list({ workflow_name: 'rush', limit: 200 })).workflows.length,
      (count) => count === begun.length,
    );
    await resume('rush');
    for (const id of begun) {
      await approve(id);
      expect((await bench.ended(id)).workflow.current_status).toBe('completed');
    }
  });

  it('has a step of another workflow wait that would begin it', async () => {
    await bench.register('inner', [shopCall('a')]);
    await bench.register('outer', [
      { name: 'inner', type: 'sub_workflow', workflow_name: 'inner' },
    ]);
    await pause('inner');
    const id = await bench.start('outer', 'outer-1');
    // Why it does not go on is to be seen with the replica that holds it.
    await bench.eventually(
      () => bench.ask<Engine>('engine-status', {}),
      ({ troubles }) => troubles.some(({ code }) => code === 'saga/definition-paused'),
    );
    expect((await bench.status(id)).steps[0]?.status).toBe('running');
    expect((await bench.list({ workflow_name: 'inner' })).workflows).toEqual([]);
    await resume('inner');
    expect((await bench.ended(id)).workflow.current_status).toBe('completed');
  });

  it('lets its schedules catch up when it is resumed', async () => {
    await bench.register('count', [shopCall('a')]);
    await bench.register('clock', [shopCall('b')]);
    const put = (name: string, workflow_name: string) =>
      say('PutSchedule', name, { workflow_name, cron: '* * * * * *', overlap: 'allow' });
    const found = async (name: string, wanted: string) => {
      const { occurrences } = await bench.ask<Shown>('get-schedule', { name });
      return occurrences.filter(({ status }) => status === wanted);
    };
    const started = (name: string) => found(name, 'started');
    const atLeast = (name: string, count: number) =>
      bench.eventually(
        () => started(name).catch(() => []),
        (all) => all.length >= count,
      );
    await put('counted', 'count');
    await put('timed', 'clock');
    await atLeast('counted', 1);
    await pause('count');
    const before = await started('counted');
    const since = before[0]?.due_at ?? '';
    // Time passes, as another schedule shows.
    await atLeast('timed', (await started('timed')).length + 3);
    expect((await started('counted')).length).toBeLessThanOrEqual(before.length + 1);
    // They are not decided about: one that is too old when it is resumed will have been missed.
    expect((await found('counted', 'due')).length).toBeLessThanOrEqual(1);
    await resume('count');
    const after = await atLeast('counted', before.length + 3);
    const seconds = after
      .map(({ due_at }) => Date.parse(due_at))
      .filter((at) => at > Date.parse(since))
      .toSorted((one, other) => one - other);
    // None is left out between.
    seconds.forEach((at, index) => expect(at - (seconds[0] ?? 0)).toBe(index * 1_000));
    await say('DeleteSchedule', 'counted');
    await say('DeleteSchedule', 'timed');
  });
});
