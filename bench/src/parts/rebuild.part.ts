import { setTimeout as pause } from 'node:timers/promises';
import type { BenchContext, Part } from '../bench-context';
import { sagaStatus, settled } from '../load/settled';
import { cpuUs, sumOf, treeCpuUs } from '../measure/proc';
import { figure } from '../report/figure';
import { sagaRound } from './saga-round';

const ROUNDS = 2;
/** Fewer say little: a rebuild begins with a second of starting the process. */
const EVENTS_MIN = 60_000;
const FILL_MS = 10_000;
const FILLS_MAX = 6;
const READ_MODEL = 'saga.workflows';
const BUILT_MS_MAX = 60_000;

/** The saga app builds its read model from the whole log, as it does after a change of its version. */
export const rebuild: Part = {
  name: 'rebuild',
  async run(context) {
    await context.loadBench();
    for (let fill = 0; fill < FILLS_MAX && (await context.counts.head()) < EVENTS_MIN; fill++)
      await sagaRound(context, { entry: 'nats', concurrency: 64, forMs: FILL_MS });
    const rounds = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await rebuilt(context));
    return {
      figures: [
        figure(
          'rebuild',
          `${READ_MODEL}: events of the log`,
          '',
          rounds.map(({ events }) => events),
        ),
        figure(
          'rebuild',
          `${READ_MODEL}: rate`,
          'events/s',
          rounds.map(({ perS }) => perS),
          { atLeast: 30_000 },
        ),
        figure(
          'rebuild',
          `${READ_MODEL}: CPU per event, process and Postgres`,
          'µs',
          rounds.map(({ us }) => us),
        ),
      ],
    };
  },
};

/** From the first batch that is seen to be in the tables to the last one: without the start of the process. */
async function rebuilt(context: BenchContext) {
  const { suite, counts } = context;
  const { client } = await context.loadBench();
  const saga = suite.app('saga');
  const events = await counts.head();
  await settled(client, events);
  await saga.stop();
  await counts.dropReadModel('saga', READ_MODEL);
  await saga.listen();

  const used = async () => (await cpuUs(saga.pid)) + sumOf(await treeCpuUs(suite.postgres.pid));
  let first: Awaited<ReturnType<typeof look>> | undefined;
  const look = async () => {
    const { projections } = await sagaStatus(client);
    const position = projections.find(({ name }) => name === READ_MODEL)?.position ?? 0;
    return { position, atMs: performance.now(), us: await used() };
  };
  for (const deadline = Date.now() + BUILT_MS_MAX; ; await pause(5)) {
    const last = await look().catch(() => undefined); // It does not answer yet.
    if (last && last.position > 0) first ??= last;
    if (last && first && last.position >= events) {
      await saga.ready();
      const done = last.position - first.position;
      if (done < events / 2) throw new Error('the rebuild was over before it could be looked at');
      const round = {
        events,
        perS: (done / (last.atMs - first.atMs)) * 1_000,
        us: (last.us - first.us) / done,
      };
      console.log(JSON.stringify({ benchmark: 'rebuild', ...round }));
      return round;
    }
    if (Date.now() > deadline) throw new Error('the read model is not built in time');
  }
}
