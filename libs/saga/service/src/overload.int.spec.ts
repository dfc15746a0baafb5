import type { AnswerOf, sagaContract } from '@downbeat/contracts';
import { workflowStream } from '@downbeat/saga-domain';
import { connect, JSONCodec, type NatsConnection } from 'nats';
import { Replica } from './engine/replica';
import { workflowIdOf } from './engine/workflow-id';
import { SagaBench, shopCall } from './testing/saga-bench';

const json = JSONCodec<Record<string, unknown>>();
const body = { workflow_name: 'slow', initiating_service: 'test', context_data: {} };

let bench: SagaBench;
let nats: NatsConnection;
/** Lets every call be answered, now and from now on. */
let answer: () => void;
beforeAll(async () => {
  bench = await SagaBench.open('overload', { SAGA_OPEN_RUNS_MAX: '2' });
  nats = await connect({ servers: bench.natsUrl });
  await bench.register('slow', [shopCall('a', { timeout_seconds: 60 })]);
});
beforeEach(() => {
  const answered = new Promise<void>((resolve) => (answer = resolve));
  bench.participants.react = async () => {
    await answered;
    return { status: 200, body: { id: 'h-1' } };
  };
});
afterAll(async () => {
  await nats.close();
  await bench.close();
});

const subject = (correlation: string) =>
  `${bench.prefix}.command.saga.StartWorkflow.${correlation}`;
const started = async (correlation: string) => {
  const store = bench.database.store('saga');
  return (await store.load(workflowStream(workflowIdOf(correlation)))).length > 0;
};
const statusOf = (index: number) => {
  const service = bench.replicas[index];
  if (!service) throw new Error(`there is no replica ${index}`);
  return service.app.get(Replica).status();
};

describe('a suite with as many runs open as it may have', () => {
  it('refuses a new one to a bare client in words that it understands, and stores nothing', async () => {
    const ids = [await bench.start('slow', 'full-1'), await bench.start('slow', 'full-2')];
    const ask = { ...body, command_id: 'ask-1' };
    const reply = await nats.request(subject('full-3'), json.encode(ask), { timeout: 10_000 });
    expect(json.decode(reply.data)).toMatchObject({
      accepted: false,
      problem: {
        code: 'overloaded',
        kind: 'unavailable',
        message: '2 runs are open already; nothing was started',
        retry_after_seconds: expect.any(Number),
      },
      error: { code: 503, description: expect.stringContaining('overloaded') },
    });
    expect(await started('full-3')).toBe(false);

    // What concerns a run under way is carried out.
    const word = { reason: 'look at it' };
    expect(await bench.command('PauseWorkflow', ids[0] ?? '', word)).toMatchObject({
      accepted: true,
    });
    expect(await bench.command('ResumeWorkflow', ids[0] ?? '', {})).toMatchObject({
      accepted: true,
    });

    // Nobody waits for this one: it stays in its stream. The longer it is refused, the later it comes again.
    const turnedAway = () => Promise.resolve(statusOf(0).starts_turned_away);
    const before = await turnedAway();
    nats.publish(subject('full-4'), json.encode(body));
    await bench.eventually(turnedAway, (count) => count > before);
    expect(await started('full-4')).toBe(false);

    answer();
    for (const id of ids) expect((await bench.ended(id)).workflow.current_status).toBe('completed');
    const again = await nats.request(subject('full-3'), json.encode(ask), { timeout: 10_000 });
    expect(json.decode(again.data)).toMatchObject({ accepted: true, repeated: false });
    await bench.eventually(() => started('full-4'), Boolean);
    for (const id of ['full-3', 'full-4'].map(workflowIdOf)) await bench.ended(id);
  });

  it('shows it to whoever looks', async () => {
    const { data } = (await bench.bus.query('query.saga.engine-status', {})) as { data: unknown };
    expect(data).toMatchObject({ open_runs_max: 2, starts_turned_away: expect.any(Number) });
    const [service] = bench.replicas;
    const text = await (await fetch(`${service?.url}/metrics`)).text();
    expect(text).toMatch(/^downbeat_saga_open_runs_max(\{.*\})? 2$/m);
    expect(text).toMatch(/^downbeat_saga_starts_turned_away_total(\{.*\})? [1-9]/m);
  });

  it('starts new runs, and those of schedules, where there is room', async () => {
    const ids = [await bench.start('slow', 'both-1'), await bench.start('slow', 'both-2')];
    expect(statusOf(0).open_runs).toBe(2);
    const before = bench.takenOver;
    // The first replica keeps the schedules.
    await bench.addReplica();
    await bench.command('PutSchedule', 'each-second', {
      ...{ workflow_name: 'slow', cron: '* * * * * *', overlap: 'allow' },
    });
    type Shown = AnswerOf<typeof sagaContract.getSchedule>;
    const shown = () =>
      bench.ask<Shown>('get-schedule', { name: 'each-second' }).catch(() => undefined);
    const runs = await bench.eventually(
      shown,
      (one) => (one?.occurrences ?? []).filter(({ status }) => status === 'started').length >= 2,
    );
    await bench.command('DeleteSchedule', 'each-second', {});
    // When they stand still together, one may lose its runs to the other: then these are elsewhere.
    await bench.eventually(
      async () => [statusOf(0).open_runs, statusOf(1).open_runs],
      ([first = 0, second = 0]) => first + second >= 4 && (first === 2 || bench.takenOver > before),
    );
    // Each of them reaches the full replica or the other one.
    const more = Array.from({ length: 8 }, (_, n) => bench.start('slow', `more-${n}`));
    ids.push(...(await Promise.all(more)));
    answer();
    for (const { workflow_id } of runs?.occurrences ?? [])
      if (workflow_id !== undefined) ids.push(workflow_id);
    for (const id of ids) expect((await bench.ended(id)).workflow.current_status).toBe('completed');
  });
});
