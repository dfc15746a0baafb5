import { NoAnswer, type MessageBus } from '@downbeat/message-bus';
import { MemoryMessageBus } from '@downbeat/message-bus/testing';
import { call } from '@downbeat/saga-domain/testing';
import { Logger } from '@nestjs/common';
import type { ExpectedDurations } from '../projections/workflows/expected-durations';
import { EngineBench, type BenchReplica } from '../testing/engine-bench';
import type { PausedDefinitions } from '../definitions/paused-definitions';
import { StartRuns } from './start-runs';

beforeAll(() => Logger.overrideLogger(false));

const durations = { minutesOf: () => 1 } as unknown as ExpectedDurations;
const ok = { kind: 'ok', output: {} } as const;

let bench: EngineBench;
let bus: MemoryMessageBus;
let answer: () => void;
/** Processes that are said to have room, in the order in which they are named. */
let roomy: string[];
beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  bench = new EngineBench((ms) => jest.advanceTimersByTimeAsync(ms));
  bus = new MemoryMessageBus();
  roomy = [];
  const answered = new Promise<typeof ok>((resolve) => (answer = () => resolve(ok)));
  bench.services.answerTo = () => answered;
});
afterEach(async () => {
  for (const { replica } of bench.replicas) await replica.abandon();
  jest.useRealTimers();
});

const opened = async (openMax: number, over: Pick<MessageBus, 'query' | 'answer'> = bus) => {
  const replica = await bench.open({ openMax });
  const elsewhere = { take: () => roomy.shift() };
  const { engine, library } = replica;
  const paused = { whyNoRun: () => Promise.resolve(undefined) } as unknown as PausedDefinitions;
  const runs = new StartRuns(engine, library, durations, elsewhere, over as MessageBus, paused);
  runs.serve(replica.name);
  return { ...replica, runs };
};
const start = ({ runs }: { runs: StartRuns }, correlation_id: string, commandId = correlation_id) =>
  runs.start(
    {
      workflow_name: 'book',
      correlation_id,
      initiating_service: 'shop',
      context_data: {},
    },
    { commandId, meta: { correlation_id, causation_id: commandId, actor: 'test' } },
  );
const holderOf = (correlation: string) => bench.holderOf(correlation)?.owner;
const ownerOf = ({ replica }: BenchReplica) => replica.status().owner;

describe('a start that reaches a replica without room', () => {
  beforeEach(() => bench.register([call('hold')]));

  it('is carried out by one that has some, and asked again gets the same answer', async () => {
    const full = await opened(1);
    const other = await opened(1);
    expect(await start(full, 'c1')).toMatchObject({ accepted: true });
    roomy = [other.name];
    const outcome = await start(full, 'c2');
    expect(outcome).toMatchObject({ accepted: true, answer: { correlation_id: 'c2' } });
    expect(holderOf('c2')).toBe(ownerOf(other));
    roomy = [other.name];
    expect(await start(full, 'c2')).toMatchObject({ accepted: true, repeated: true });
    answer();
    await bench.pass(0);
    for (const id of ['c1', 'c2']) expect(bench.ends(id)).toEqual(['WorkflowCompleted']);
  });

  it('is refused for the moment when nobody has any, and nothing is stored', async () => {
    const full = await opened(1);
    const other = await opened(1);
    for (const one of [full, other]) await start(one, ownerOf(one));
    for (const said of [[], [other.name]]) {
      roomy = said;
      expect(await start(full, 'c3')).toMatchObject({
        accepted: false,
        problem: { code: 'overloaded', kind: 'unavailable', retry_after_seconds: 1 },
      });
    }
    expect(bench.events('c3')).toEqual([]);
    answer();
    await bench.pass(0);
    expect(await start(full, 'c3')).toMatchObject({ accepted: true, repeated: false });
  });

  it('is refused when whoever had room is gone, and in doubt when there is no answer', async () => {
    let why: NoAnswer['why'] = 'nobody-answers';
    const query = (subject: string) => Promise.reject(new NoAnswer(subject, why));
    const full = await opened(1, { query, answer: () => undefined });
    await start(full, 'c1');
    roomy = ['gone', 'slow'];
    expect(await start(full, 'c2')).toMatchObject({ problem: { code: 'overloaded' } });
    why = 'timed-out';
    await expect(start(full, 'c2')).rejects.toThrow(NoAnswer);
  });

  it('is in doubt when whoever had room does not know what became of its append', async () => {
    const problem = { code: 'event-store/unavailable', kind: 'unavailable', message: 'no answer' };
    const query = () => Promise.resolve({ ok: false, problem } as never);
    const full = await opened(1, { query, answer: () => undefined });
    await start(full, 'c1');
    roomy = ['unsure'];
    await expect(start(full, 'c2')).rejects.toMatchObject({ remedy: 'retry' });
  });

  it('is told to come later the longer it lasts, and not all at the same time', async () => {
    const full = await opened(1);
    await start(full, 'c1');
    const seconds = async () => {
      const outcome = await start(full, 'c2');
      return outcome.accepted ? 0 : outcome.problem.retry_after_seconds;
    };
    bench.chance = () => 0.99;
    expect(await seconds()).toBe(2);
    await bench.live(10_000);
    expect(await seconds()).toBe(12);
    bench.chance = () => 0.2;
    expect(await seconds()).toBe(3);
    await bench.live(60_000);
    bench.chance = () => 0.99;
    expect(await seconds()).toBe(30);
  });
});
