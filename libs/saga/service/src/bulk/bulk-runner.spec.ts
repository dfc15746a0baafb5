import { MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import { fold, instantOf } from '@downbeat/eventsourcing';
import { bulkOperation, bulkStream, type BulkEvent } from '@downbeat/saga-domain';
import { HolderUnreachable } from '../commands/operate-workflow';
import { runOf, type Operation } from '../engine/operation';
import { BulkRunner, type RunnerPorts } from './bulk-runner';

async function running(say: RunnerPorts['say'], ids: readonly string[], bulkIds = ['b']) {
  const store = new MemoryEventStore(new MemoryLog(), 'saga');
  for (const bulk_id of bulkIds) {
    const request = { bulk_id, action: 'pause', filter: { status: 'running' }, reason: 'r' };
    const data = {
      bulk_id,
      request: { ...request, rate_per_second: 1_000 },
      workflow_ids: ids,
      at: instantOf(0),
    };
    await store.append({
      stream: bulkStream(bulk_id),
      expected: 0,
      events: [{ type: 'BulkOperationStarted', data: data as never }],
      meta: { correlation_id: 'c', causation_id: 'c', actor: 'test' },
    });
  }
  let [pauses, now] = [0, 0];
  const runner: BulkRunner = new BulkRunner({
    store,
    clock: { now: () => now },
    say,
    // So that a runner that would try for ever ends.
    pause: async (ms) => {
      await new Promise(setImmediate);
      now += ms;
      if (++pauses > 500) void runner.stop();
    },
    onFault: () => undefined,
  });
  const state = async (bulk_id = 'b') =>
    fold(bulkOperation, (await store.load<BulkEvent>(bulkStream(bulk_id))) as never);
  return { runner, store, state };
}
const until = async (isSo: () => Promise<boolean>) => {
  for (let turn = 0; turn < 2_000; turn++) {
    if (await isSo()) return;
    await new Promise(setImmediate);
  }
  throw new Error('it is still not so');
};
const accepted = { accepted: true, position: 1, answer: {}, repeated: false } as const;

describe('the runner of bulk operations', () => {
  it('goes on after a run that cannot be asked, and says so', async () => {
    const say = async (word: Operation) => {
      if (runOf(word) === 'lost') throw new HolderUnreachable('nobody there');
      return accepted;
    };
    const { runner, store, state } = await running(say, ['w1', 'lost', 'w2']);
    runner.know(['b']);
    await until(async () => (await state()).status === 'completed');
    await runner.stop();
    const events = await store.load<BulkEvent>(bulkStream('b'));
    expect(events[1]?.data).toMatchObject({
      answers: ['accepted', 'saga/holder-unreachable', 'accepted'],
    });
  });

  it('does not ask again before everybody has answered or failed', async () => {
    let asked = 0;
    let fail: () => void = () => undefined;
    const slow = new Promise<never>(
      (_, reject) => (fail = () => reject(new HolderUnreachable('nobody there'))),
    );
    const say = async (word: Operation) => {
      asked++;
      if (runOf(word) === 'slow') return slow;
      throw new HolderUnreachable('nobody there');
    };
    const { runner } = await running(say, ['fast', 'slow']);
    runner.know(['b']);
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
    expect(asked).toBe(2);
    fail();
    await runner.stop();
  });

  it('works on a bounded number of operations at once, and on all in the end', async () => {
    const ids = Array.from({ length: 12 }, (_, at) => `b${at}`);
    let [underWay, most] = [0, 0];
    const say = async () => {
      most = Math.max(most, ++underWay);
      await new Promise(setImmediate);
      underWay--;
      return accepted;
    };
    const { runner, state } = await running(say, ['w'], ids);
    runner.know(ids);
    await until(async () => {
      const states = await Promise.all(ids.map((id) => state(id)));
      return states.every(({ status }) => status === 'completed');
    });
    await runner.stop();
    expect(most).toBeLessThanOrEqual(4);
  });
});
