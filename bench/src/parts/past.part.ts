import { setTimeout as pause } from 'node:timers/promises';
import type { PostgresEventStore } from '@downbeat/event-store';
import { LogDatabase } from '@downbeat/event-store/testing';
import { startProjections, type ProjectionRunner, type ProjectorPace } from '@downbeat/projections';
import type { BenchContext, Part } from '../bench-context';
import { sumOf, treeCpuUs } from '../measure/proc';
import { percentile } from '../measure/statistics';
import { figure, type Figure } from '../report/figure';
import { lagsMs } from './lag.part';
import { appendStep, fillLog, runsProjection, STEPS } from './past-runs';

const RUNS = 7_500;
const ROUNDS = 3;
const LAG_MS = 4_000;
const WARM_UP_MS = 1_500;
const MOMENTS = 300;
const BUILT_MS_MAX = 60_000;

const faultsOnly = {
  info: () => undefined,
  warn: (facts: object, message: string) => console.error(message, facts),
  error: (facts: object, message: string) => console.error(message, facts),
};

/** What keeping rows as they were costs those who write, and saves those who ask. */
export const past: Part = {
  name: 'past',
  async run({ suite }: BenchContext) {
    await suite.stopApps();
    const database = await LogDatabase.create('past');
    try {
      const store = database.store('saga');
      await fillLog(store, database.store('observability'), RUNS);
      const bench = new PastBench(database, store, suite.postgres.pid);
      return { figures: [...(await bench.written()), ...(await bench.asked())] };
    } finally {
      await database.drop();
    }
  },
};

interface Written {
  readonly keepsPast: boolean;
  readonly perS: number;
  readonly us: number;
  readonly p99: number;
  readonly followedUs: number;
}

class PastBench {
  private names = 0;

  constructor(
    private readonly database: LogDatabase,
    private readonly store: PostgresEventStore,
    private readonly postgresPid: number,
  ) {}

  /** The rate of building, and the lag and the CPU of following 1,000 events/s; in turn with and without. */
  async written(): Promise<readonly Figure[]> {
    const rounds: Written[] = [];
    for (let round = 0; round < ROUNDS; round++)
      for (const keepsPast of [false, true]) rounds.push(await this.writtenOnce(keepsPast));
    return [false, true].flatMap((keepsPast) => {
      const title = keepsPast ? 'past kept' : 'past not kept';
      const of = (what: (round: Written) => number) =>
        rounds.filter((round) => round.keepsPast === keepsPast).map(what);
      const [perS, us] = [of((one) => one.perS), of((one) => one.us)];
      const [p99, followedUs] = [of((one) => one.p99), of((one) => one.followedUs)];
      return [
        figure('past', `${title}: rebuild`, 'events/s', perS, { atLeast: 30_000 }),
        figure('past', `${title}: rebuild, CPU per event, process and Postgres`, 'µs', us),
        figure('past', `${title}: lag at 1,000 events/s, p99`, 'ms', p99, { atMost: 100 }),
        figure('past', `${title}: appending and projecting, CPU per event`, 'µs', followedUs),
      ];
    });
  }

  private async writtenOnce(keepsPast: boolean): Promise<Written> {
    const runner = await this.run(keepsPast ? {} : { pastKeptMs: 0 });
    const built = await this.built(runner);
    const projected = () => runner.status()[0]?.position ?? 0;
    const append = this.steps();
    await lagsMs(append, projected, WARM_UP_MS);
    const [used, head] = [await this.usedUs(), await this.store.head()];
    const lags = await lagsMs(append, projected, LAG_MS);
    const followedUs = ((await this.usedUs()) - used) / ((await this.store.head()) - head);
    await runner.stop();
    await this.drop();
    return { keepsPast, ...built, followedUs, p99: percentile(lags, 0.99) };
  }

  /** Random moments, looked at and, for some of them, built again from the beginning of the log. */
  async asked(): Promise<readonly Figure[]> {
    const runner = await this.run({});
    await this.built(runner);
    await lagsMs(this.steps(), () => runner.status()[0]?.position ?? 0, LAG_MS);
    const head = await this.store.head();
    const ms: number[] = [];
    for (let moment = 0; moment < MOMENTS; moment++)
      ms.push(await this.askedMs(runner, 1 + Math.floor(Math.random() * head)));
    await runner.stop();
    const rebuilder = await this.run({ pastKeptMs: 0, pollMs: 60_000 });
    await this.database.asOwner((owner) =>
      owner.query('update saga.projection set past_through = -1'),
    );
    const rebuiltMs: number[] = [];
    for (let moment = 1; moment <= 5; moment++)
      rebuiltMs.push(await this.askedMs(rebuilder, head - moment * 7));
    await rebuilder.stop();
    return [
      figure('past', `a random moment of ${head} events: p50`, 'ms', [percentile(ms, 0.5)]),
      figure('past', `a random moment: p95`, 'ms', [percentile(ms, 0.95)], { atMost: 300 }),
      figure('past', `a random moment: p99`, 'ms', [percentile(ms, 0.99)]),
      figure('past', 'a late moment, built from the beginning', 'ms', [rebuiltMs[0] ?? NaN]),
    ];
  }

  private async askedMs(runner: ProjectionRunner, at: number): Promise<number> {
    const begin = performance.now();
    await runner.readModels.ask(this.projection, { at }, async (manager) => [
      await manager.query('select * from bench_run order by at desc, run desc limit 50'),
      await manager.query('select * from bench_run_count'),
    ]);
    return performance.now() - begin;
  }

  private get projection() {
    return runsProjection('bench-past');
  }

  private run(pace: Partial<ProjectorPace>): Promise<ProjectionRunner> {
    return startProjections({
      ...{ url: this.database.urlOf('saga'), schema: 'saga', store: this.store, log: faultsOnly },
      ...{ projections: [this.projection], pace },
    });
  }

  private async built(runner: ProjectionRunner): Promise<{ perS: number; us: number }> {
    const [begin, used] = [performance.now(), await this.usedUs()];
    const head = await this.store.head();
    for (const deadline = Date.now() + BUILT_MS_MAX; ; await pause(2)) {
      if ((runner.status()[0]?.position ?? 0) >= head) break;
      if (Date.now() > deadline) throw new Error('the read model is not built in time');
    }
    const ms = performance.now() - begin;
    const round = { perS: (head / ms) * 1_000, us: ((await this.usedUs()) - used) / head };
    console.log(JSON.stringify({ benchmark: 'past rebuild', events: head, ms, ...round }));
    return round;
  }

  /** Runs go on, a hundred at once. */
  private steps(): () => Promise<number> {
    const prefix = `follow-${++this.names}`;
    const lanes = Array.from({ length: 400 }, (_, lane) => ({ lane, run: 0, step: 0 }));
    let turn = 0;
    const busy = new Map<number, Promise<unknown>>();
    return () => {
      const lane = lanes[turn++ % lanes.length];
      if (!lane) throw new RangeError('there is a lane');
      lane.step++;
      if (lane.step > STEPS) Object.assign(lane, { run: lane.run + 1, step: 1 });
      const [run, step] = [`${prefix}-${lane.lane}-${lane.run}`, lane.step];
      const next = (busy.get(lane.lane) ?? Promise.resolve()).then(() =>
        appendStep(this.store, run, step),
      );
      busy.set(lane.lane, next);
      return next;
    };
  }

  private async usedUs(): Promise<number> {
    const { user, system } = process.cpuUsage();
    return user + system + sumOf(await treeCpuUs(this.postgresPid));
  }

  /** The next round builds it anew. */
  private async drop(): Promise<void> {
    await this.database.asOwner((owner) =>
      owner.query(`drop view saga.bench_run, saga.bench_run_count;
        drop table saga.bench_run_v1, saga.bench_run_v1_was,
          saga.bench_run_count_v1, saga.bench_run_count_v1_was;
        truncate saga.projection, saga.projection_moment, saga.projection_parked`),
    );
  }
}
