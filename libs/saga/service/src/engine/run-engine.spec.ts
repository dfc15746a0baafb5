import { EventStoreUnavailable, LeaseLost } from '@downbeat/event-store';
import { instantOf } from '@downbeat/eventsourcing';
import { workflowStream } from '@downbeat/saga-domain';
import { call, child, delay, fixedCall, parallel, signalWait } from '@downbeat/saga-domain/testing';
import { Logger } from '@nestjs/common';
import { EngineBench, type BenchReplica } from '../testing/engine-bench';
import { EngineFull, EngineNotRunning, RelativeUnreachable, TargetClogged } from './errors';
import { workflowIdOf } from './workflow-id';

beforeAll(() => Logger.overrideLogger(false));

const LEASE_MS = 3_000;
const accepted = { repeated: false };
const repeated = { repeated: true };

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

/** An answer that comes when the test says so. */
function held<Value>() {
  let give: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((resolve) => (give = resolve));
  return { promise, give: (value: Value) => give(value) };
}
const ok = { kind: 'ok', output: {} } as const;
const busy = { kind: 'answer', status: 503, message: 'busy' } as const;
const refusal = { kind: 'answer', status: 409, message: 'sold out' } as const;

describe('a signal', () => {
  it('sent twice under one command id is one, also when the run has ended since', async () => {
    await bench.register([signalWait('go')]);
    await bench.start(one, 'c1');
    await bench.pass(0);
    expect(await bench.signal(one, 'c1', 'go', 'command-1')).toMatchObject(accepted);
    await bench.pass(0);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
    expect(await bench.signal(one, 'c1', 'go', 'command-1')).toMatchObject(repeated);
    expect(await bench.signal(one, 'c1', 'go', 'command-2')).toMatchObject({
      code: 'workflow-ended',
    });
    expect(bench.types('c1').filter((type) => type === 'SignalReceived')).toHaveLength(1);
  });

  it('waits as long as it may, by a timer that a take-over sets again', async () => {
    await bench.register([signalWait('go', { timeout_seconds: 10, default: {} }), call('pay')]);
    await bench.start(one, 'c1');
    await bench.pass(4_000);
    await bench.crash(one);
    const other = await bench.open();
    await other.replica.takeOver();
    await bench.live(5_000);
    expect(bench.services.named).toEqual([]);
    await bench.live(1_500);
    expect(bench.services.named).toEqual(['pay']);
  });
});

describe('a run', () => {
  it("appends once per transition, and is nobody's when it has ended", async () => {
    await bench.register([call('hold'), call('pay')]);
    expect(await bench.start(one, 'c1')).toMatchObject(accepted);
    await bench.pass(0);
    expect(bench.types('c1')).toEqual([
      'WorkflowStarted',
      'StepStarted',
      'StepCompleted',
      'StepStarted',
      'StepCompleted',
      'WorkflowCompleted',
    ]);
    const commits = new Set(bench.log.events.slice(1).map(({ commit_no }) => commit_no));
    expect(commits.size).toBe(3);
    expect(bench.services.named).toEqual(['hold', 'pay']);
    expect(bench.holderOf('c1')).toBeUndefined();
    expect(bench.told).toEqual(['c1']);
    expect(one.engine.status()).toMatchObject({ open_runs: 0, troubled_runs: 0 });
  });

  it('is held by its replica while a call is under way', async () => {
    await bench.register([call('hold')]);
    const answer = held<typeof ok>();
    bench.services.answerTo = () => answer.promise;
    await bench.start(one, 'c1');
    await bench.pass(0);
    expect(bench.holderOf('c1')).toMatchObject({ epoch: 1 });
    expect(one.engine.status()).toMatchObject({ open_runs: 1, calls_under_way: 1 });
    answer.give(ok);
    await bench.pass(0);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('undoes what was done in reverse order, each once, when a step fails', async () => {
    await bench.register([call('a'), call('b'), call('c')]);
    bench.services.answerTo = ({ step, purpose }) =>
      step === 'c' && purpose === 'step' ? refusal : ok;
    await bench.start(one, 'c1');
    await bench.pass(0);
    expect(bench.services.named).toEqual(['a', 'b', 'c', 'b:undo', 'a:undo']);
    expect(bench.ends('c1')).toEqual(['WorkflowCompensated']);
  });

  it('waits for the retry its policy allows, and for Retry-After when that is longer', async () => {
    const retry_policy = {
      max_retries: 1,
      initial_delay_ms: 1_000,
      jitter: 0,
      max_delay_ms: 60_000,
    };
    await bench.register([fixedCall('pay', { retry_policy })]);
    bench.services.answerTo = ({ attempt }) =>
      attempt === 1 ? { kind: 'answer', status: 503, message: 'busy', retry_after_ms: 5_000 } : ok;
    await bench.start(one, 'c1');
    await bench.live(4_900);
    expect(bench.services.calls).toHaveLength(1);
    await bench.live(200);
    expect(bench.services.calls.map(({ attempt, key }) => [attempt, key])).toEqual([
      [1, bench.services.calls[0]?.key],
      [2, bench.services.calls[0]?.key],
    ]);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('sleeps longer than a timer of the runtime can', async () => {
    await bench.register([delay('rest', 40 * 86_400), call('pay')], { timeout_minutes: 525_600 });
    await bench.start(one, 'c1');
    // Renewed on the way, as a living replica does.
    for (let day = 0; day < 41; day++) {
      jest.setSystemTime(Date.now() + 86_400_000);
      await one.replica.renew();
      await bench.pass(61_000);
      await one.replica.renew();
      await bench.pass(1_000);
      if (day === 38) expect(bench.services.calls).toEqual([]);
    }
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('times out, and carries its trace and correlation id along', async () => {
    await bench.register([call('a'), delay('rest', 600)]);
    await bench.start(one, 'c1', { traceparent: '00-aa-bb-01', timeout: 1 });
    await bench.live(59_000);
    expect(bench.ends('c1')).toEqual([]);
    await bench.live(1_500);
    expect(bench.ends('c1')).toEqual(['WorkflowCompensated']);
    const [first] = bench.services.calls;
    expect(first).toMatchObject({ correlationId: 'c1', traceparent: '00-aa-bb-01' });
  });
});

describe('a command that starts a run', () => {
  beforeEach(() => bench.register([call('hold')]));

  it('gets its first answer again, when it comes again after the end', async () => {
    await bench.start(one, 'c1');
    await bench.pass(0);
    expect(await bench.start(one, 'c1')).toMatchObject({
      ...repeated,
      answer: { status: 'running' },
    });
    expect(bench.services.named).toEqual(['hold']);
    await bench.pass(0);
    expect(one.engine.status().open_runs).toBe(0);
  });

  it('is the same run under another command id, also after the end', async () => {
    await bench.start(one, 'c1');
    await bench.pass(0);
    const again = await bench.start(one, 'c1', { commandId: 'another' });
    expect(again).toMatchObject({ ...repeated, answer: { status: 'completed' } });
    expect(bench.services.named).toEqual(['hold']);
  });

  it('is refused when it wants something else under the same correlation id', async () => {
    await bench.start(one, 'c1');
    await bench.pass(0);
    const other = await bench.start(one, 'c1', { commandId: 'another', context_data: { n: 2 } });
    expect(other).toMatchObject({ code: 'correlation-id-taken' });
  });

  it('starts one run when it reaches two replicas at once', async () => {
    const two = await bench.open();
    const outcomes = await Promise.all([
      bench.start(one, 'c1', { commandId: 'x' }),
      bench.start(two, 'c1', { commandId: 'y' }),
    ]);
    expect(outcomes).toMatchObject([accepted, repeated]);
    await bench.pass(0);
    expect(bench.services.named).toEqual(['hold']);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('is answered when it waits behind the transition that ends the run', async () => {
    const answer = held<typeof ok>();
    bench.services.answerTo = () => answer.promise;
    await bench.start(one, 'c1');
    await bench.pass(0);
    one.store.latencyMs = () => 20;
    answer.give(ok);
    await bench.pass(1);
    const again = bench.start(one, 'c1', { commandId: 'another' });
    await bench.pass(50);
    expect(await again).toMatchObject({ ...repeated, answer: { status: 'completed' } });
  });

  it('is turned away when as many runs are open as may be, and finds room later', async () => {
    const small = await bench.open({ openMax: 1 });
    const answer = held<typeof ok>();
    bench.services.answerTo = () => answer.promise;
    await bench.start(small, 'c1');
    await expect(bench.start(small, 'c2')).rejects.toThrow(EngineFull);
    answer.give(ok);
    await bench.pass(0);
    expect(await bench.start(small, 'c2')).toMatchObject(accepted);
  });
});

describe('a process that has as many runs open as it may', () => {
  let small: BenchReplica;
  let answer = held<typeof ok>();
  beforeEach(async () => {
    await bench.register([call('hold')]);
    answer = held<typeof ok>();
    bench.services.answerTo = () => answer.promise;
    small = await bench.open({ openMax: 2, operatedMax: 1 });
    for (const id of ['c1', 'c2']) await bench.start(small, id);
    await bench.pass(0);
  });

  it('stores nothing of a run that it turns away, and says so', async () => {
    await expect(bench.start(small, 'c3')).rejects.toThrow(EngineFull);
    expect(bench.events('c3')).toEqual([]);
    const status = { open_runs: 2, open_runs_max: 2, starts_turned_away: 1 };
    expect(small.engine.status()).toMatchObject(status);
    answer.give(ok);
    await bench.pass(0);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
    expect(await bench.start(small, 'c3')).toMatchObject(accepted);
  });

  it('answers whoever asks again for a run that it has, or that has ended', async () => {
    expect(await bench.start(small, 'c1')).toMatchObject(repeated);
    answer.give(ok);
    await bench.pass(0);
    bench.services.answerTo = () => held<typeof ok>().promise;
    for (const id of ['c3', 'c4']) await bench.start(small, id);
    expect(await bench.start(small, 'c1')).toMatchObject(repeated);
    await bench.pass(0);
    expect(small.engine.status()).toMatchObject({ open_runs: 2, starts_turned_away: 0 });
  });

  it('turns new ones away for as long as accepted ones wait for room', async () => {
    for (const id of ['l1', 'l2', 'l3', 'l4']) await bench.start(one, id);
    await bench.crash(one);
    const later = await bench.open({ openMax: 3 });
    await bench.live(LEASE_MS + 500);
    await later.replica.takeOver();
    expect(later.replica.status()).toMatchObject({ taken_over: 3 });
    await expect(bench.start(later, 'c3')).rejects.toThrow(EngineFull);
    answer.give(ok);
    await bench.pass(0);
    // There is room again, and one that was left behind has a right to it.
    expect(later.engine.status().open_runs).toBe(0);
    await expect(bench.start(later, 'c3')).rejects.toThrow('accepted before');
    await later.replica.takeOver();
    await bench.pass(0);
    for (const id of ['l1', 'l2', 'l3', 'l4'])
      expect(bench.ends(id)).toEqual(['WorkflowCompleted']);
    expect(await bench.start(later, 'c3')).toMatchObject(accepted);
  });

  it('hears operators beyond that, a bounded number of them, and relatives always', async () => {
    await bench.pause(small, 'c1');
    await bench.pause(small, 'c2');
    answer.give(ok);
    await bench.pass(0);
    // Both rest now; two others take their place.
    bench.services.answerTo = () => held<typeof ok>().promise;
    for (const id of ['c3', 'c4']) await bench.start(small, id);
    small.store.latencyMs = () => 10;
    const resumed = bench.resume(small, 'c1');
    await expect(bench.resume(small, 'c2')).rejects.toThrow(EngineFull);
    const data = { workflow_id: workflowIdOf('c2') };
    const meta = { correlation_id: 'c2', causation_id: 'c2', actor: 'test' };
    const related = small.engine.tell(
      { type: 'ResumeWorkflow', data, at: instantOf(0) },
      { meta, answer: () => ({}) },
      'relative',
    );
    await bench.pass(100);
    expect([await resumed, await related]).toMatchObject([accepted, accepted]);
    for (const id of ['c1', 'c2']) expect(bench.ends(id)).toEqual(['WorkflowCompleted']);
  });
});

describe('a service in front of which enough calls wait', () => {
  it('gets no new runs, while those under way wait for their turn and finish', async () => {
    await bench.register([delay('rest', 1), call('b')]);
    const rules = { callsPerTargetMax: 1, waitingPerTargetMax: 1 };
    const narrow = await bench.open({ admission: rules });
    const first = held<typeof ok>();
    bench.services.answerTo = () => first.promise;
    for (const id of ['c1', 'c2', 'c3']) await bench.start(narrow, id);
    await bench.pass(1_500);
    expect(narrow.engine.status()).toMatchObject({ calls_under_way: 1, calls_waiting: 2 });
    await expect(bench.start(narrow, 'c4')).rejects.toThrow(TargetClogged);
    expect(bench.events('c4')).toEqual([]);
    first.give(ok);
    await bench.pass(0);
    for (const id of ['c1', 'c2', 'c3']) expect(bench.ends(id)).toEqual(['WorkflowCompleted']);
    expect(await bench.start(narrow, 'c4')).toMatchObject(accepted);
  });
});

describe('an append whose outcome is unknown', () => {
  beforeEach(() => bench.register([call('a'), call('b')]));

  it.each(['lost', 'unanswered', 'late', 'astray', 'defect'] as const)(
    '(%s) leads to one run, when it is the first and the command comes again',
    async (fate) => {
      one.store.fateOf = () => fate;
      await expect(bench.start(one, 'c1')).rejects.toThrow();
      one.store.fateOf = () => 'stored';
      await bench.pass(300);
      const again = await bench.start(one, 'c1');
      expect(again).toMatchObject(fate === 'lost' || fate === 'defect' ? accepted : repeated);
      await bench.pass(200);
      expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
      expect(bench.services.named).toEqual(['a', 'b']);
    },
  );

  it.each(['unanswered', 'late'] as const)(
    '(%s) is followed up although the command never comes again',
    async (fate) => {
      one.store.fateOf = () => fate;
      await expect(bench.start(one, 'c1')).rejects.toThrow('answer');
      one.store.fateOf = () => 'stored';
      await bench.pass(300);
      expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
    },
  );

  it('that commits after everyone has looked is found by the comparison with what is held', async () => {
    one.store.fateOf = () => 'astray';
    one.store.latencyMs = () => 100;
    await expect(Promise.all([bench.start(one, 'c1'), bench.pass(250)])).rejects.toThrow(
      'no answer',
    );
    one.store.latencyMs = () => 0;
    one.store.fateOf = () => 'stored';
    await bench.pass(400);
    expect(bench.holderOf('c1')).toBeDefined();
    expect(bench.services.calls).toEqual([]);
    for (let turn = 0; turn < 30; turn++) {
      await one.replica.renew();
      await one.replica.takeOver();
    }
    await bench.pass(0);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('that ends a run after everyone has looked is noticed by the same comparison', async () => {
    await bench.register([signalWait('go')], { version: '2.0.0' });
    one.library.forget('book');
    await bench.start(one, 'c1');
    await bench.start(one, 'c2');
    one.store.fateOf = () => 'astray';
    await expect(bench.signal(one, 'c1', 'go', 's1')).rejects.toThrow('no answer');
    one.store.fateOf = () => 'stored';
    await bench.pass(300);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
    expect(one.engine.status().open_runs).toBe(2);
    for (let turn = 0; turn < 30; turn++) {
      await one.replica.renew();
      await one.replica.takeOver();
    }
    await bench.pass(100);
    expect(one.engine.status()).toMatchObject({ open_runs: 1, troubled_runs: 0 });
    expect(bench.holderOf('c2')).toBeDefined();
    expect(one.replica.status().swept).toBe(0);
  });

  it('that gave a run away is noticed by it too, when others have it since', async () => {
    await bench.register([signalWait('go')], { version: '2.0.0' });
    one.library.forget('book');
    await bench.start(one, 'c1');
    one.store.fateOf = () => 'astray';
    await expect(bench.pause(one, 'c1')).rejects.toThrow('no answer');
    one.store.fateOf = () => 'stored';
    await bench.pass(300);
    const two = await bench.open();
    await bench.resume(two, 'c1');
    for (let turn = 0; turn < 30; turn++) {
      await bench.live(500);
      await one.replica.takeOver();
    }
    await bench.pass(100);
    expect(one.engine.status()).toMatchObject({ open_runs: 0, troubled_runs: 0 });
    expect(two.engine.status()).toMatchObject({ open_runs: 1 });
  });

  it.each(['lost', 'unanswered', 'late', 'astray', 'defect'] as const)(
    '(%s) of an answer neither repeats a recorded step nor loses one',
    async (fate) => {
      let left = 1;
      one.store.fateOf = ({ events }) =>
        events.some(({ type }) => type === 'StepCompleted') && left-- > 0 ? fate : 'stored';
      await bench.start(one, 'c1');
      await bench.live(70_000);
      expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
      expect(bench.services.named).toEqual(['a', 'b']);
      expect(one.engine.status()).toMatchObject({ open_runs: 0, troubled_runs: 0 });
    },
  );

  it('is visible for as long as it keeps a run waiting', async () => {
    await bench.start(one, 'c0');
    await bench.pass(0);
    one.store.fateOf = ({ events }) => (events[0]?.type === 'StepCompleted' ? 'lost' : 'stored');
    await bench.start(one, 'c1');
    await bench.pass(1_000);
    await one.replica.renew();
    const { troubles, troubled_runs } = one.engine.status();
    expect(troubled_runs).toBe(1);
    expect(troubles).toMatchObject([{ code: 'event-store/unavailable' }]);
    one.store.fateOf = () => 'stored';
    await bench.pass(2_000);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
    expect(one.engine.status().troubled_runs).toBe(0);
  });
});

describe('an answer that cannot be recorded', () => {
  it('counts as unknown: the run goes on, and what may have happened is undone', async () => {
    await bench.register([call('a'), call('b')]);
    const odd = 'odd';
    one.store.fateOf = ({ events }) =>
      JSON.stringify(events).includes(odd) ? 'refused' : 'stored';
    bench.services.answerTo = ({ key }) =>
      key.endsWith(':b') ? { kind: 'ok', output: { odd } } : ok;
    await bench.start(one, 'c1');
    await bench.pass(0);
    expect(bench.services.named).toEqual(['a', 'b', 'b:undo', 'a:undo']);
    expect(bench.ends('c1')).toEqual(['WorkflowCompensated']);
    expect(one.faults).toHaveLength(1);
  });

  it('is one too when the caller throws against its promise', async () => {
    await bench.register([call('a'), call('b')]);
    bench.services.answerTo = ({ key }) => {
      if (key.endsWith(':b')) throw new TypeError('a defect');
      return ok;
    };
    await bench.start(one, 'c1');
    await bench.pass(0);
    expect(bench.services.named).toEqual(['a', 'b', 'b:undo', 'a:undo']);
  });
});

describe('a replica that is gone', () => {
  let two: BenchReplica;
  beforeEach(async () => {
    two = await bench.open();
    await bench.register([call('a'), call('b'), call('c')]);
  });

  it('is followed by one that goes on at the right place, in a higher epoch', async () => {
    const answer = held<typeof ok>();
    bench.services.answerTo = ({ step }) => (step === 'b' ? answer.promise : ok);
    await bench.start(one, 'c1');
    await bench.pass(0);
    await bench.crash(one);
    await bench.pass(LEASE_MS - 100);
    await two.replica.renew();
    await two.replica.takeOver();
    expect(bench.holderOf('c1')?.epoch).toBe(1);
    await bench.pass(200);
    bench.services.answerTo = () => ok;
    await two.replica.takeOver();
    await bench.pass(0);
    expect(bench.services.calls.map((made) => [made.step, made.replica, made.reissued])).toEqual([
      ['a', 'replica-1', false],
      ['b', 'replica-1', false],
      ['b', 'replica-2', true],
      ['c', 'replica-2', false],
    ]);
    // The answer the old one was waiting for comes all the same.
    answer.give(ok);
    await bench.pass(0);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('makes no call when it was only silent, and learns that it is a new life', async () => {
    const answer = held<typeof ok>();
    bench.services.answerTo = ({ step, replica }) =>
      step === 'a' && replica === 'replica-1' ? answer.promise : ok;
    await bench.start(one, 'c1');
    await bench.pass(LEASE_MS + 100);
    await two.replica.renew();
    await two.replica.takeOver();
    await bench.pass(0);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
    answer.give(ok);
    await bench.pass(0);
    expect(bench.services.calls.filter(({ replica }) => replica === 'replica-1')).toHaveLength(1);
    expect(one.engine.status().open_runs).toBe(0);

    const { owner } = one.replica.status();
    await one.replica.renew();
    expect(one.replica.status()).toMatchObject({ lives: 2, is_sure: true });
    expect(one.replica.status().owner).not.toBe(owner);
    expect(await bench.start(one, 'c2')).toMatchObject(accepted);
  });

  it('comes to life at a later turn, when its first breath fails', async () => {
    await bench.pass(LEASE_MS + 100);
    await bench.start(one, 'c1', {});
    await two.replica.renew();
    bench.services.answerTo = () => new Promise(() => undefined);
    await bench.start(one, 'c2');
    await two.replica.takeOver();
    const renew = jest.spyOn(one.leases, 'renew');
    renew.mockResolvedValueOnce(false).mockRejectedValueOnce(new Error('no database'));
    await expect(one.replica.renew()).rejects.toThrow('no database');
    await expect(bench.start(one, 'c3')).rejects.toThrow(EngineNotRunning);
    await one.replica.renew();
    expect(await bench.start(one, 'c3')).toMatchObject(accepted);
  });

  it('is taken over by one whose own claim got no answer', async () => {
    bench.services.answerTo = ({ replica }) =>
      replica === 'replica-1' ? new Promise(() => undefined) : ok;
    await bench.start(one, 'c1');
    await bench.crash(one);
    await bench.pass(LEASE_MS + 100);
    await two.replica.renew();
    const { takeOver } = MemoryLeasesOf(two);
    jest.spyOn(two.leases, 'takeOver').mockImplementationOnce(async (owner, limit) => {
      await takeOver(owner, limit);
      throw new Error('the answer was lost');
    });
    await expect(two.replica.takeOver()).rejects.toThrow('the answer was lost');
    expect(bench.services.calls).toHaveLength(1);
    await two.replica.takeOver();
    await bench.pass(0);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('keeps a call back while it is not sure of its lease, and makes it when it is', async () => {
    const answer = held<typeof ok>();
    bench.services.answerTo = ({ step }) => (step === 'a' ? answer.promise : ok);
    await bench.start(one, 'c1');
    await bench.pass(LEASE_MS + 100);
    answer.give(ok);
    await bench.pass(1_000);
    expect(bench.types('c1').slice(-2)).toEqual(['StepCompleted', 'StepStarted']);
    expect(bench.services.named).toEqual(['a']);
    expect(one.engine.status().troubles).toMatchObject([{ code: 'saga/lease-unsure' }]);
    await one.replica.renew();
    await bench.pass(2_000);
    expect(bench.services.named).toEqual(['a', 'b', 'c']);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('makes a call that was held back on its way, for its lease, when it is sure again', async () => {
    const mayCall: unknown[] = [];
    bench.services.answerTo = (call) => {
      mayCall.push(call.mayCall?.());
      return mayCall.length === 1 ? (undefined as never) : ok;
    };
    await bench.register([call('pay')]);
    await bench.start(one, 'c1');
    await bench.live(1_000);
    bench.services.wrongs.length = 0; // The same call twice is what this is about.
    expect(mayCall).toEqual([true, true]);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('forgets no call that it keeps back while it records something else', async () => {
    const narrow = await bench.open({ admission: { callsPerTargetMax: 1 } });
    const answer = held<typeof ok>();
    bench.services.answerTo = ({ step }) => (step === 'd' ? answer.promise : ok);
    await bench.register(
      [parallel('p', [call('d')], [call('e', { service_name: 'd' })], [delay('rest', 0.6)])],
      { version: '2.0.0' },
    );
    await bench.pass(2_300);
    await bench.start(narrow, 'c2');
    await bench.pass(0);
    narrow.store.latencyMs = () => 500;
    await bench.pass(800);
    // The end of the rest is on its way to the log, and the lease has run out.
    answer.give(ok);
    await bench.pass(50);
    narrow.store.latencyMs = () => 0;
    expect(bench.services.named).toEqual(['d']);
    await bench.pass(500);
    await narrow.replica.renew();
    await bench.pass(2_000);
    expect(bench.services.named).toEqual(['d', 'e']);
    expect(bench.ends('c2')).toEqual(['WorkflowCompleted']);
  });

  it('that stops in order records what was under way, calls nothing more, and leaves at once', async () => {
    const answer = held<typeof ok>();
    bench.services.answerTo = ({ step }) => (step === 'a' ? answer.promise : ok);
    await bench.start(one, 'c1');
    await bench.pass(0);
    const stopped = one.replica.stop();
    await bench.pass(500);
    await expect(bench.start(one, 'c2')).rejects.toThrow(EngineNotRunning);
    const load = jest.spyOn(one.store, 'load');
    answer.give(ok);
    await bench.pass(0);
    await stopped;
    expect(load).not.toHaveBeenCalled();
    await bench.pass(2_100); // How long it would have waited.
    expect(jest.getTimerCount()).toBe(0);
    expect(one.faults).toEqual([]);
    expect(bench.types('c1').slice(-2)).toEqual(['StepCompleted', 'StepStarted']);
    expect(bench.services.named).toEqual(['a']);
    await two.replica.renew();
    await two.replica.takeOver();
    await bench.pass(0);
    expect(bench.services.calls.map(({ replica }) => replica)).toEqual([
      'replica-1',
      'replica-2',
      'replica-2',
    ]);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('that stops waits a bounded time for calls without an answer', async () => {
    bench.services.answerTo = () => new Promise(() => undefined);
    await bench.start(one, 'c1');
    const stopped = one.replica.stop();
    await bench.pass(2_100);
    await stopped;
    expect(one.engine.status().open_runs).toBe(0);
  });
});

describe('a run that comes back to the process that had given it up', () => {
  /** The append that gave it up has no answer; it was retried elsewhere, and that process is gone. */
  const givenUpUnaware = async () => {
    await bench.register([fixedCall('a')]);
    bench.services.answerTo = ({ replica }) =>
      replica === 'replica-2' ? new Promise(() => undefined) : refusal;
    one.store.fateOf = ({ lease }) => {
      if (lease?.use !== 'release') return 'stored';
      one.store.fateOf = () => 'stored';
      one.store.isReadable = false;
      return 'unanswered';
    };
    await bench.start(one, 'c1');
    await bench.pass(10);
    const two = await bench.open();
    expect(await bench.retry(two, 'c1')).toMatchObject(accepted);
    await bench.pass(10);
    bench.services.answerTo = () => ok;
    await bench.crash(two);
  };
  const hasGoneOn = async () => {
    await bench.live(6_000);
    expect(bench.ends('c1')).toEqual(['WorkflowFailed', 'WorkflowCompleted']);
    expect(bench.holderOf('c1')).toBeUndefined();
    expect(one.engine.status()).toMatchObject({ open_runs: 0, troubled_runs: 0 });
  };

  it('is gone on with in the epoch it has now, before its log could be read again', async () => {
    await givenUpUnaware();
    await bench.live(LEASE_MS + 500);
    await one.replica.takeOver();
    expect(bench.holderOf('c1')?.epoch).toBe(2);
    one.store.isReadable = true;
    await hasGoneOn();
  });

  it('is gone on with, when nobody learned of the take-over and it is found among what is held', async () => {
    await givenUpUnaware();
    await bench.live(LEASE_MS + 500);
    await one.leases.takeOver(one.replica.status().owner, 10);
    for (let turn = 0; turn < 30; turn++) await one.replica.takeOver();
    one.store.isReadable = true;
    await hasGoneOn();
    expect(one.replica.status().swept).toBe(0);
  });

  it('is gone on with, while it learns that it was not its own', async () => {
    await givenUpUnaware();
    const slow = held<void>();
    const { holder } = one.leases;
    jest.spyOn(one.leases, 'holder').mockImplementationOnce(async (stream) => {
      const found = await holder.call(one.leases, stream);
      await slow.promise;
      return found;
    });
    one.store.isReadable = true;
    await bench.live(LEASE_MS + 500);
    const taking = one.replica.takeOver();
    await bench.pass(0);
    slow.give();
    await taking;
    await hasGoneOn();
  });
});

describe('a run at rest', () => {
  it('is given up by whoever is found to hold it', async () => {
    await bench.register([call('a')]);
    await bench.start(one, 'c1');
    await bench.pass(0);
    const stream = workflowStream(workflowIdOf('c1'));
    bench.log.holders.set(stream, { context: 'saga', owner: 'somebody who died', epoch: 4 });
    await one.replica.takeOver();
    expect(bench.holderOf('c1')).toBeUndefined();
    expect(one.engine.status()).toMatchObject({ open_runs: 0, troubled_runs: 0 });
    expect(bench.services.named).toEqual(['a']);
  });
});

describe('a replica that gives its runs up', () => {
  it('sets nothing going when an append returns afterwards', async () => {
    await bench.register([delay('rest', 30), call('a')]);
    one.store.latencyMs = () => 50;
    const starting = bench.start(one, 'c1');
    await bench.pass(80);
    one.engine.abandon();
    await bench.pass(100);
    expect(await starting).toMatchObject(accepted);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('an append that fails while a call is under way', () => {
  it('does not make the call again', async () => {
    await bench.register([call('a'), call('b')]);
    const answer = held<typeof ok>();
    bench.services.answerTo = ({ key }) => (key.endsWith(':a') ? answer.promise : ok);
    await bench.start(one, 'c1');
    await bench.pass(0);
    one.store.fateOf = () => 'lost';
    await expect(bench.compensate(one, 'c1')).rejects.toThrow('nobody was there');
    one.store.fateOf = () => 'stored';
    await bench.pass(500);
    expect(bench.services.named).toEqual(['a']);
    answer.give(ok);
    await bench.pass(0);
    expect(bench.services.named).toEqual(['a', 'b']);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });
});

describe('an operator', () => {
  it('is told that a run is held elsewhere, and that a run is unknown', async () => {
    await bench.register([call('a')]);
    bench.services.answerTo = () => new Promise(() => undefined);
    const two = await bench.open();
    await bench.start(one, 'c1');
    await bench.pass(0);
    await expect(bench.compensate(two, 'c1')).rejects.toThrow(LeaseLost);
    expect(await bench.compensate(two, 'c9')).toMatchObject({ code: 'workflow-unknown' });
    await bench.pass(200);
    expect(two.engine.status()).toMatchObject({ open_runs: 0, troubled_runs: 0 });
  });

  it('cannot end a run behind the back of whoever holds it', async () => {
    await bench.register([delay('rest', 30)]);
    const two = await bench.open();
    await bench.start(one, 'c1');
    await expect(bench.compensate(two, 'c1')).rejects.toThrow(LeaseLost);
    expect(bench.ends('c1')).toEqual([]);
    expect(await bench.compensate(one, 'c1')).toMatchObject(accepted);
    expect(bench.ends('c1')).toEqual(['WorkflowFailed']);
    expect(bench.holderOf('c1')).toBeUndefined();
  });

  it('is not told that a run is unknown when it could not be read', async () => {
    await bench.register([call('a')]);
    await bench.start(one, 'c1');
    await bench.pass(0);
    one.store.isReadable = false;
    await expect(bench.compensate(one, 'c1')).rejects.toThrow('nobody was there');
    await expect(bench.compensate(one, 'c1')).rejects.toThrow('nobody was there');
    one.store.isReadable = true;
    await bench.pass(1_000);
    expect(await bench.compensate(one, 'c1')).toMatchObject(accepted);
    await bench.pass(0);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted', 'WorkflowCompensated']);
    expect(bench.services.named).toEqual(['a', 'a:undo']);
  });

  it('who asks twice with one command id is obeyed once', async () => {
    await bench.register([call('a')]);
    await bench.start(one, 'c1');
    await bench.pass(0);
    expect(await bench.compensate(one, 'c1')).toMatchObject(accepted);
    await bench.pass(0);
    const two = await bench.open();
    expect(await bench.compensate(two, 'c1')).toMatchObject(repeated);
    expect(await bench.compensate(two, 'c1', 'again')).toMatchObject({
      code: 'already-compensated',
    });
    expect(bench.services.named).toEqual(['a', 'a:undo']);
  });

  it('finds a parked run held by nobody, and any replica tries its undo again', async () => {
    await bench.register([call('a'), call('b')]);
    let isBroken = true;
    bench.services.answerTo = ({ step, purpose }) => {
      if (step === 'b' && purpose === 'step') return refusal;
      return purpose === 'undo' && isBroken
        ? { kind: 'answer', status: 404, message: 'what?' }
        : ok;
    };
    await bench.start(one, 'c1');
    await bench.pass(0);
    expect(bench.types('c1').at(-1)).toBe('IncidentOpened');
    expect(bench.holderOf('c1')).toBeUndefined();
    expect(one.engine.status().open_runs).toBe(0);
    const two = await bench.open();
    isBroken = false;
    expect(await bench.retry(two, 'c1')).toMatchObject(accepted);
    await bench.pass(0);
    expect(bench.ends('c1')).toEqual(['WorkflowCompensated']);
    expect(bench.services.calls.filter(({ purpose }) => purpose === 'undo')).toMatchObject([
      { attempt: 1, replica: 'replica-1' },
      { attempt: 2, replica: 'replica-2' },
    ]);
  });

  it('pauses a run: its call finishes, nobody holds it, any replica resumes it', async () => {
    await bench.register([call('a'), delay('rest', 10), call('b')]);
    const answer = held<typeof ok>();
    bench.services.answerTo = ({ key }) => (key.endsWith(':a') ? answer.promise : ok);
    await bench.start(one, 'c1');
    await bench.pass(0);
    expect(await bench.pause(one, 'c1')).toMatchObject(accepted);
    expect(bench.holderOf('c1')).toBeDefined();
    answer.give(ok);
    await bench.pass(0);
    expect(bench.types('c1').slice(-2)).toEqual(['WorkflowPaused', 'StepCompleted']);
    expect(bench.holderOf('c1')).toBeUndefined();
    expect(one.engine.status().open_runs).toBe(0);
    const two = await bench.open();
    expect(await bench.resume(two, 'c1')).toMatchObject(accepted);
    await bench.live(9_000);
    await bench.pause(two, 'c1');
    await bench.live(60_000);
    expect(bench.services.named).toEqual(['a']);
    await bench.resume(one, 'c1');
    await bench.live(500);
    expect(bench.services.named).toEqual(['a']);
    await bench.live(600);
    expect(bench.services.named).toEqual(['a', 'b']);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it.each(['unanswered', 'late'] as const)(
    'pauses a run that any replica resumes, also when one that took it was not told so (%s)',
    async (fate) => {
      await bench.register([signalWait('go'), call('a')]);
      await bench.start(one, 'c1');
      await bench.pause(one, 'c1');
      let left = 1;
      one.store.fateOf = ({ events, lease }) =>
        events.length === 0 && lease?.use === 'acquire' && left-- > 0 ? fate : 'stored';
      await expect(
        Promise.all([bench.signal(one, 'c1', 'go', 's1'), bench.pass(100)]),
      ).rejects.toThrow(EventStoreUnavailable);
      await bench.live(1_000);
      expect(bench.holderOf('c1')).toBeUndefined();
      const two = await bench.open();
      await bench.signal(two, 'c1', 'go', 's1');
      await bench.resume(two, 'c1');
      await bench.pass(0);
      expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
    },
  );

  it('does not count a run as found that an operator brought back meanwhile', async () => {
    await bench.register([signalWait('go', { timeout_seconds: 60 })]);
    for (const id of ['c1', 'c2']) {
      await bench.start(one, id);
      await bench.pause(one, id);
    }
    const stream = (id: string) => workflowStream(workflowIdOf(id));
    const slow = held<void>();
    const { load } = one.store;
    jest.spyOn(one.store, 'load').mockImplementation(async (name, after) => {
      if (name === stream('c2')) await slow.promise;
      return load.call(one.store, name, after);
    });
    const listed = ['c1', 'c2'].map((id) => ({ stream: stream(id), epoch: 1 }));
    jest.spyOn(one.leases, 'held').mockResolvedValueOnce(listed);
    for (let turn = 0; turn < 29; turn++) await one.replica.takeOver();
    const comparing = one.replica.takeOver();
    await bench.pass(10);
    await bench.resume(one, 'c1');
    slow.give();
    await comparing;
    expect(bench.holderOf('c1')).toBeDefined();
    expect(one.replica.status().swept).toBe(0);
  });

  it('takes a paused run over without calling anybody, and makes its lost call when it is resumed', async () => {
    await bench.register([call('a')]);
    bench.services.answerTo = ({ replica }) =>
      replica === 'replica-1' ? new Promise(() => undefined) : ok;
    await bench.start(one, 'c1');
    await bench.pass(0);
    await bench.pause(one, 'c1');
    await bench.crash(one);
    const two = await bench.open();
    await bench.pass(LEASE_MS + 100);
    await two.replica.renew();
    await two.replica.takeOver();
    await bench.live(60_000);
    expect(bench.services.calls).toHaveLength(1);
    expect(bench.types('c1').at(-1)).toBe('WorkflowPaused');
    await bench.resume(two, 'c1');
    await bench.pass(0);
    expect(bench.services.calls).toMatchObject([
      { attempt: 1, reissued: false },
      { attempt: 1, reissued: true, replica: 'replica-2' },
    ]);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('awaits a call that is under way when the run is resumed, and does not make it again', async () => {
    await bench.register([call('a')]);
    const answer = held<typeof ok>();
    bench.services.answerTo = () => answer.promise;
    await bench.start(one, 'c1');
    await bench.pass(0);
    await bench.pause(one, 'c1');
    await bench.resume(one, 'c1');
    answer.give(ok);
    await bench.pass(0);
    expect(bench.services.calls).toHaveLength(1);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('pauses a run whose call waits for its target: the call is given up, and waits anew', async () => {
    await bench.register([call('a')]);
    const closed = [{ service_name: 'a', is_paused: true, limits: {} }];
    one.admission.follow(closed, 1);
    await bench.start(one, 'c1');
    await bench.live(1_500);
    expect(bench.types('c1').at(-1)).toBe('CallHeld');
    await bench.pause(one, 'c1');
    await bench.pass(0);
    expect(bench.holderOf('c1')).toBeUndefined();
    expect(one.engine.status()).toMatchObject({ open_runs: 0, calls_waiting: 0 });
    one.admission.follow([], 1);
    await bench.live(5_000);
    expect(bench.services.calls).toEqual([]);
    await bench.resume(one, 'c1');
    await bench.pass(0);
    expect(bench.services.calls).toMatchObject([{ attempt: 1, reissued: false }]);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('begins to wait anew with a call that a pause gave up before it was recorded as held', async () => {
    await bench.register([call('a')]);
    one.admission.follow([{ service_name: 'a', is_paused: true, limits: {} }], 1);
    await bench.start(one, 'c1');
    await bench.pause(one, 'c1');
    let left = 1;
    one.store.fateOf = ({ events }) =>
      events.some(({ type }) => type === 'CallHeld') && left-- > 0 ? 'lost' : 'stored';
    await bench.pass(1_000);
    await bench.resume(one, 'c1');
    await bench.live(1_000);
    expect(bench.types('c1').slice(-2)).toEqual(['WorkflowResumed', 'CallHeld']);
    expect(one.engine.status()).toMatchObject({ calls_waiting: 1, troubled_runs: 0 });
    one.admission.follow([], 1);
    await bench.pass(0);
    expect(bench.services.calls).toMatchObject([{ attempt: 1, reissued: false }]);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
    expect(one.engine.status()).toMatchObject({ open_runs: 0 });
  });

  it('keeps a signal that reaches a paused run, and goes on with it when that is resumed', async () => {
    await bench.register([signalWait('go', { timeout_seconds: 60 }), call('a')]);
    await bench.start(one, 'c1');
    await bench.pause(one, 'c1');
    expect(bench.holderOf('c1')).toBeUndefined();
    await bench.live(120_000);
    await bench.signal(one, 'c1', 'go', 'go-1');
    expect(bench.types('c1').slice(-2)).toEqual(['WorkflowPaused', 'SignalReceived']);
    await bench.resume(one, 'c1');
    await bench.pass(0);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('lets the run that stands for a step of a paused one go on, and keeps its end', async () => {
    await bench.register([call('x')], { name: 'other' });
    await bench.register([child('sub'), call('a')]);
    const answer = held<typeof ok>();
    bench.services.answerTo = ({ key }) => (key.endsWith(':x') ? answer.promise : ok);
    await bench.start(one, 'c1');
    await bench.pass(0);
    await bench.pause(one, 'c1');
    await bench.live(1_000);
    answer.give(ok);
    await bench.live(1_000);
    expect(bench.types('c1').slice(-2)).toEqual(['WorkflowPaused', 'StepCompleted']);
    expect(bench.holderOf('c1')).toBeUndefined();
    await bench.resume(one, 'c1');
    await bench.pass(0);
    expect(bench.services.named).toEqual(['x', 'a']);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('raises the alarm once for each incident, whoever takes the run over', async () => {
    await bench.register([call('a'), call('b')]);
    bench.services.answerTo = ({ key }) => (key.endsWith(':a') ? ok : busy);
    await bench.start(one, 'c1');
    await bench.live(60_000);
    expect(one.incidents).toEqual([
      {
        incident_id: `${workflowIdOf('c1')}:a:1`,
        workflow_id: workflowIdOf('c1'),
        correlation_id: 'c1',
        step_name: 'a',
        kind: 'undo_failed',
        reason: 'HTTP 503: busy',
        attempts: 1,
      },
    ]);
    const two = await bench.open();
    await bench.crash(one);
    await bench.resolve(two, 'c1', 'retry');
    await bench.live(60_000);
    expect(two.incidents).toMatchObject([{ incident_id: `${workflowIdOf('c1')}:a:2` }]);
  });

  it('compensates a run that is running, after the call under way', async () => {
    await bench.register([call('a'), call('b')]);
    const answer = held<typeof ok>();
    bench.services.answerTo = ({ key }) => (key.endsWith(':a') ? answer.promise : ok);
    await bench.start(one, 'c1');
    await bench.pass(0);
    expect(await bench.compensate(one, 'c1')).toMatchObject(accepted);
    answer.give(ok);
    await bench.pass(0);
    expect(bench.services.named).toEqual(['a', 'a:undo']);
    expect(bench.ends('c1')).toEqual(['WorkflowCompensated']);
  });
});

describe('a run whose definition cannot be had', () => {
  it('is visible, and goes on when it can', async () => {
    await bench.register([call('a'), call('b')]);
    bench.services.answerTo = ({ replica }) =>
      replica === 'replica-1' ? new Promise(() => undefined) : ok;
    await bench.start(one, 'c1');
    await bench.crash(one);
    const two = await bench.open();
    await bench.pass(LEASE_MS + 100);
    await two.replica.renew();
    const find = jest.spyOn(two.library, 'find').mockRejectedValue(new RangeError('refused today'));
    await two.replica.takeOver();
    await bench.pass(100);
    expect(two.engine.status().troubles).toMatchObject([{ code: 'defect' }]);
    find.mockRestore();
    await bench.live(61_000);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('uses the version it was started with when it is found by a command for a newer one', async () => {
    await bench.register([call('a'), call('b')]);
    one.store.fateOf = () => 'astray';
    const starting = bench.start(one, 'c1');
    await expect(starting).rejects.toThrow('no answer');
    one.store.fateOf = () => 'stored';
    await bench.pass(300);
    expect(one.engine.status().open_runs).toBe(0);
    await bench.register([call('other')], { version: '2.0.0' });
    one.library.forget('book');
    expect(await bench.start(one, 'c1')).toMatchObject(repeated);
    await bench.pass(300);
    expect(bench.services.named).toEqual(['a', 'b']);
  });

  it('uses the version it was started with, whatever was registered since', async () => {
    await bench.register([call('a'), call('b')]);
    one.store.fateOf = () => 'unanswered';
    await expect(bench.start(one, 'c1')).rejects.toThrow();
    one.store.fateOf = () => 'stored';
    await bench.register([call('other')], { version: '2.0.0' });
    one.library.forget('book');
    expect(await bench.start(one, 'c1')).toMatchObject(repeated);
    await bench.pass(300);
    expect(bench.services.named).toEqual(['a', 'b']);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });
});

describe('a run that stands for a step', () => {
  it('tells the run that waits for it, also when another replica holds it by then', async () => {
    await bench.register([child('sub'), call('b')]);
    await bench.register([call('x')], { name: 'other' });
    const answer = held<typeof ok>();
    bench.services.answerTo = ({ step }) => (step === 'x' ? answer.promise : ok);
    await bench.start(one, 'c1');
    await bench.pass(0);
    const stands = `${workflowIdOf('c1')}:sub`;
    await bench.crash(one);
    const two = await bench.open();
    await bench.live(LEASE_MS + 500);
    bench.services.answerTo = () => ok;
    await two.replica.takeOver();
    await bench.live(500);
    expect(bench.types(stands).slice(-2)).toEqual(['WorkflowCompleted', 'ParentTold']);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
    expect(bench.holderOf(stands)).toBeUndefined();
  });

  it('is taken over by a full replica too, which may hold the run that waits for it', async () => {
    await bench.register([child('sub'), call('b')]);
    await bench.register([call('x')], { name: 'other' });
    const answer = held<typeof ok>();
    bench.services.answerTo = ({ step }) => (step === 'x' ? answer.promise : ok);
    await bench.start(one, 'c1');
    await bench.pass(0);
    await bench.crash(one);
    const two = await bench.open({ openMax: 1 });
    await bench.live(LEASE_MS + 500);
    bench.services.answerTo = () => ok;
    for (let turn = 0; turn < 4; turn++) {
      await two.replica.takeOver();
      await bench.live(500);
    }
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });

  it('is undone as a whole for the run that asks, whatever part somebody else has undone', async () => {
    await bench.register([child('sub'), call('b')]);
    const some = { compensation_strategy: 'custom', compensation_steps: ['x'] };
    await bench.register([call('x'), call('y')], { name: 'other', ...some });
    const [called, undone] = [held<typeof refusal>(), held<typeof ok>()];
    bench.services.answerTo = ({ step, purpose }) => {
      if (step === 'b') return called.promise;
      return step === 'x' && purpose === 'undo' ? undone.promise : ok;
    };
    await bench.start(one, 'c1');
    await bench.pass(0);
    const stands = `${workflowIdOf('c1')}:sub`;
    await bench.compensate(one, stands);
    called.give(refusal);
    await bench.pass(0);
    expect(bench.types('c1').at(-1)).toBe('UndoStarted');
    undone.give(ok);
    await bench.pass(0);
    // What stood is undone too before its parent says so.
    expect(bench.types(stands)).toContain('WorkflowCompensated');
    expect(bench.ends('c1')).toEqual([]);
    await bench.live(10_000);
    expect(bench.services.named.slice(-2)).toEqual(['x:undo', 'y:undo']);
    expect(bench.ends('c1')).toEqual(['WorkflowCompensated']);
    expect(bench.holderOf(stands)).toBeUndefined();
  });
});

describe('what a run is told of one that stands for a step', () => {
  const stands = `${workflowIdOf('c1')}:sub`;

  /** The sub-workflow has failed, and the run with it. */
  const bothFailed = async () => {
    const left = { compensation_strategy: 'none' };
    await bench.register([child('sub', { output_mapping: { n: 'n' } })], left);
    await bench.register([fixedCall('x', { output_mapping: { n: '=output.n' } })], {
      name: 'other',
      ...left,
    });
    bench.services.answerTo = () => refusal;
    await bench.start(one, 'c1');
    await bench.pass(0);
    expect(bench.ends('c1')).toEqual(['WorkflowFailed']);
    bench.services.answerTo = () => ({ kind: 'ok', output: { n: 7 } });
  };

  it('is its answer when somebody else has retried it, also after it was purged', async () => {
    await bothFailed();
    await bench.retry(one, stands);
    await bench.pass(0);
    await bench.putAway(one, stands);
    await bench.retry(one, 'c1');
    await bench.pass(0);
    expect(bench.types('c1').slice(-3)).toEqual([
      'StepRetried',
      'StepCompleted',
      'WorkflowCompleted',
    ]);
    expect(bench.events('c1').at(-2)?.data).toMatchObject({ output: { n: 7 } });
  });

  it('is that it was purged, when it had not completed', async () => {
    await bothFailed();
    await bench.putAway(one, stands);
    await bench.retry(one, 'c1');
    await bench.pass(0);
    expect(bench.ends(stands)).toEqual(['WorkflowFailed']);
    expect(bench.events('c1').at(-2)?.data).toMatchObject({
      outcome: 'failed',
      message: expect.stringMatching(/was purged/),
    });
  });

  it('answers its undo, whoever has more undone before its process died untold', async () => {
    await bench.register([child('sub')]);
    await bench.register([call('x')], { name: 'other' });
    await bench.start(one, 'c1');
    await bench.pass(0);
    const two = await bench.open();
    bench.services.answerTo = () => busy;
    await bench.compensate(one, 'c1');
    await bench.live(60_000);
    expect(bench.types(stands).at(-1)).toBe('IncidentOpened');
    // What it says to its parent is lost with its process.
    two.engine.reachBy(() => Promise.reject(new RelativeUnreachable('nobody answers')));
    await bench.resolve(two, stands, 'skip');
    await bench.live(1_000);
    const undoing = held<typeof ok>();
    bench.services.answerTo = () => undoing.promise;
    expect(await bench.compensate(two, stands)).toMatchObject(accepted);
    await bench.crash(two);
    await bench.live(LEASE_MS + 500);
    bench.services.answerTo = () => ok;
    await one.replica.takeOver();
    await bench.live(10_000);
    expect(bench.ends(stands)).toEqual([
      'WorkflowCompleted',
      'WorkflowCompensated',
      'WorkflowCompensated',
    ]);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted', 'WorkflowCompensated']);
  });
});

describe('a process that is full', () => {
  it('says so for longer the longer it lasts, and from the beginning after there was room', async () => {
    await bench.register([call('a')]);
    bench.chance = () => 0.99;
    const full = await bench.open({ openMax: 1 });
    const answer = held<typeof ok>();
    bench.services.answerTo = () => answer.promise;
    const refused = async (id: string): Promise<number> => {
      await expect(bench.start(full, id)).rejects.toThrow(EngineFull);
      return full.engine.retryAfterSeconds();
    };
    await bench.start(full, 'c1');
    expect(await refused('c2')).toBe(2);
    await bench.live(10_000);
    expect(await refused('c2')).toBeGreaterThan(10);
    answer.give(ok);
    await bench.live(60_000);
    bench.services.answerTo = () => new Promise(() => undefined);
    expect(full.engine.status().open_runs).toBe(0);

    // It fills up by what another replica leaves behind: nobody was welcomed in between.
    await bench.start(one, 'c3');
    await bench.crash(one);
    await bench.live(LEASE_MS + 500);
    await full.replica.takeOver();
    await bench.live(500);
    expect(full.engine.status().open_runs).toBe(1);
    expect(await refused('c4')).toBe(2);
  });
});

describe('calls to one service', () => {
  it('wait for their turn when it has enough of them', async () => {
    const narrow = await bench.open({ admission: { callsPerTargetMax: 2 } });
    await bench.register([call('a')]);
    const answers = [held<typeof ok>(), held<typeof ok>(), held<typeof ok>()];
    let made = 0;
    bench.services.answerTo = () => answers[made++]?.promise ?? ok;
    for (const id of ['c1', 'c2', 'c3']) await bench.start(narrow, id);
    await bench.pass(0);
    expect(narrow.engine.status()).toMatchObject({ calls_under_way: 2, calls_waiting: 1 });
    answers[0]?.give(ok);
    await bench.pass(0);
    expect(bench.services.calls).toHaveLength(3);
    answers[1]?.give(ok);
    answers[2]?.give(ok);
    await bench.pass(0);
    expect(narrow.engine.status()).toMatchObject({ calls_under_way: 0, calls_waiting: 0 });
  });
});

describe('a call to a target that may not be called', () => {
  const paused = [{ service_name: 'b', is_paused: true, limits: {} }];

  it('is recorded as held after a while, and sent when it may be', async () => {
    await bench.register([call('a'), call('b')]);
    one.admission.follow(paused, 1);
    await bench.start(one, 'c1');
    await bench.pass(900);
    expect(bench.types('c1')).not.toContain('CallHeld');
    await bench.live(200);
    expect(bench.types('c1').at(-1)).toBe('CallHeld');
    one.admission.follow([], 1);
    await bench.pass(0);
    expect(bench.types('c1').slice(-4)).toEqual([
      'CallHeld',
      'CallReleased',
      'StepCompleted',
      'WorkflowCompleted',
    ]);
    expect(bench.services.named).toEqual(['a', 'b']);
  });

  it('is not in doubt when its process dies meanwhile', async () => {
    await bench.register([call('a'), call('b')]);
    one.admission.follow(paused, 1);
    await bench.start(one, 'c1');
    await bench.live(1_500);
    await bench.crash(one);
    const two = await bench.open();
    two.admission.follow(paused, 1);
    await bench.live(LEASE_MS + 500);
    await two.replica.takeOver();
    await bench.live(500);
    expect(two.engine.status()).toMatchObject({ calls_under_way: 0, calls_waiting: 1 });
    bench.services.answerTo = ({ step }) => (step === 'b' ? refusal : ok);
    two.admission.follow([], 1);
    await bench.pass(0);
    expect(bench.services.calls.at(-2)).toMatchObject({ step: 'b', reissued: false });
    expect(bench.services.named).toEqual(['a', 'b', 'a:undo']);
    expect(bench.ends('c1')).toEqual(['WorkflowCompensated']);
  });

  it('is not waited for by a run that is on its way to its end', async () => {
    await bench.register([call('a'), call('b')]);
    one.admission.follow(paused, 1);
    await bench.start(one, 'c1');
    await bench.live(1_500);
    await bench.compensate(one, 'c1');
    await bench.pass(0);
    expect(bench.services.named).toEqual(['a', 'a:undo']);
    expect(bench.ends('c1')).toEqual(['WorkflowCompensated']);
    expect(one.engine.status()).toMatchObject({ open_runs: 0, calls_waiting: 0 });
  });

  it('is given up when the process stops, and made by another', async () => {
    await bench.register([call('a'), call('b')]);
    one.admission.follow(paused, 1);
    await bench.start(one, 'c1');
    await bench.live(1_500);
    await one.replica.stop();
    expect(one.engine.status()).toMatchObject({ open_runs: 0, calls_waiting: 0 });
    const two = await bench.open();
    await two.replica.takeOver();
    await bench.pass(0);
    expect(bench.services.named).toEqual(['a', 'b']);
    expect(bench.ends('c1')).toEqual(['WorkflowCompleted']);
  });
});

const MemoryLeasesOf = ({ leases }: BenchReplica) => ({
  takeOver: leases.takeOver.bind(leases),
});
