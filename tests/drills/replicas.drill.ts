import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { contextUrl, PostgresEventStore } from '@downbeat/event-store';
import { AppProcess } from '@downbeat/test-bench/app-process';
import { parse } from 'yaml';
import { ended, eventsOf, type Booking } from '../support/bookings';
import { Suite } from '../support/suite';
import { clockAsWanted, falseClock } from './replicas/false-clock';
import { Probe } from './replicas/probe';
import { engineOf, sweptIn, sweptNow } from './replicas/replica-words';
import {
  msOf,
  quantile,
  refusedAppends,
  slowest,
  staleAppends,
  standstills,
  takeOvers,
  type Strike,
} from './replicas/take-overs';
import { isSilent, TIMED_DEFINITIONS, TimedLoad } from './replicas/timed-load';
import { compiled, dueAt, lostTimers, timersOf } from './replicas/timers';
import { Witness } from './replicas/witness';
import { atMost, inTurn } from './in-turn';
import { Seeded } from './seeded';
import { clocksOf, DRILL_MS_MAX, minutesOf, plantOf, say, sayFigures, seedOf } from './settings';
import { SteadyLoad } from './steady-load';
import { countsOf, grouped, verdictOn } from './verdict';

const WORKSPACE = join(__dirname, '..', '..');
const SAGA = join(WORKSPACE, 'apps', 'saga', 'dist', 'main.js');
const STRIKE_EVERY_MS = 10_000;
/** Some shorter than a lease of 3 s, some so long that others take the runs over. */
const FROZEN_MS = { min: 500, max: 8_000 };
const ENDED_MS_MAX = 180_000;
const STARTS_MAX = 5;
const LEAVE_MS_MAX = 10_000;
const TAKE_OVER_P99_MS_MAX = 5_000;
/** Of the roles of `tests/support/suite.ts`. */
const PASSWORD = 'end-to-end';
/** The replica whose wall clock is wrong, an hour ahead in one life and an hour behind in the next. */
const WRONG = 2;

const chance = new Seeded(seedOf());
const minutes = minutesOf(10);
const isClockWrong = clocksOf() === 'wrong';
/** What is planted, to see the drill find it. */
const plant = plantOf();

describe(`three replicas of the saga app, one struck every ${STRIKE_EVERY_MS / 1_000} s for ${minutes} minutes`, () => {
  let suite: Suite;
  let timed: TimedLoad;
  let load: SteadyLoad | undefined;
  let witness: Witness;
  let store: PostgresEventStore;
  let probe: Probe | undefined;
  let logDir: string;
  let wrongHours = isClockWrong ? 1 : 0;
  const replicas: AppProcess[] = [];
  const strikes: (Strike & { readonly how: 'kill' | 'freeze' })[] = [];
  const clocks: string[] = [];
  let wrongLives = 0;

  beforeAll(async () => {
    if (isClockWrong) falseClock(1); // Says what is missing before anything else is done.
    suite = await Suite.start({
      prepare: (url) => Witness.install(url, plant !== 'stale-appends'),
    });
    witness = Witness.connect(suite.databaseUrl);
    const databaseUrl = contextUrl(suite.databaseUrl, 'saga', PASSWORD);
    store = new PostgresEventStore({ databaseUrl, context: 'saga' });
    logDir = mkdtempSync(join(tmpdir(), 'downbeat-replicas-'));
    const replica = (index: number) =>
      new AppProcess({
        name: 'saga',
        program: SAGA,
        environment: replicaEnvironment(),
        logFile: join(logDir, `saga-${index}.log`),
      });
    replicas.push(suite.app('saga'), replica(1), replica(WRONG));
    for (const index of [1, WRONG]) await begin(index);
    timed = await TimedLoad.start(suite);
  }, 120_000);
  afterAll(async () => {
    await inTurn([
      // While there is a suite: each start that has no answer would be asked for a minute longer.
      () => atMost(LEAVE_MS_MAX, [load?.stop(), timed?.stop()]),
      // Before what may take long: processes would outlive a test that is ended here.
      () => Promise.all(replicas.map((replica) => replica.stop('SIGKILL'))),
      () => probe?.stop(),
      () => timed?.close(),
      () => store?.close(),
      () => witness?.close(),
      () => suite?.stop(),
      () => logDir !== undefined && rmSync(logDir, { recursive: true, force: true }),
    ]);
  }, 60_000);

  it(
    'hands runs over without losing one, and without two replicas working on one',
    async () => {
      say(`seed ${chance.seed}, ${minutes} minutes, clocks ${isClockWrong ? '±1 h' : 'true'}`);
      load = new SteadyLoad(suite, 'replicas');
      probe = new Probe(witness, store);
      const deadline = Date.now() + minutes * 60_000;
      while (Date.now() < deadline && probe.violations.length === 0) {
        const began = Date.now();
        await strike();
        await pause(Math.max(0, STRIKE_EVERY_MS - (Date.now() - began)));
      }
      // A log that was spoilt need not end well.
      if (probe.violations.length > 0) return refute(probe.violations);

      const calmAt = Date.now();
      const [bookings, timedRuns] = [await load.stop(), await timed.stop()];
      const statuses = await ended(suite, [...bookings, ...timedRuns], ENDED_MS_MAX);
      const all_ended_after_s = (Date.now() - calmAt) / 1_000;
      await probe.stop();
      const verdict = await verdictOn(suite, bookings);
      const leases = leasesOf(probe, await streamsOf());
      const timers = await timersFound(timedRuns);
      const swept = await sweptByAll();
      const violations = [
        ...[...probe.violations, ...verdict.violations, ...leases.violations],
        ...[...timers.violations, ...clocks],
        ...(swept === 0 ? [] : [`the safety net found ${swept} runs that nobody had open`]),
      ];
      sayFigures('drill:replicas', {
        ...{ seed: chance.seed, minutes, kills: countOf('kill'), freezes: countOf('freeze') },
        ...{ lives_with_a_wrong_clock: wrongLives, runs: statuses.size },
        ...{ ended: countsOf(statuses), all_ended_after_s, ...leases.figures, ...timers.figures },
        ...{ runs_swept: swept, ...verdict, violations: violations.length },
      });
      refute(violations);
    },
    DRILL_MS_MAX,
  );

  const countOf = (how: 'kill' | 'freeze') => strikes.filter((one) => one.how === how).length;
  const refute = (violations: readonly string[]): void => {
    for (const violation of violations.slice(0, 50)) say(`violated: ${violation}`);
    expect(violations).toEqual([]);
  };

  async function strike(): Promise<void> {
    const how = plant ? 'kill' : chance.oneOf(['kill', 'freeze'] as const);
    const index = chance.between(0, replicas.length - 1);
    const replica = replicas[index];
    if (!replica) throw new RangeError(`there is no replica ${index}`);
    const { owner } = await engineOf(replica.url);
    strikes.push({ at: Date.now(), owner, how });
    await (how === 'kill' ? kill(replica, index) : freeze(replica));
  }

  async function kill(replica: AppProcess, index: number): Promise<void> {
    say(`kill -9 of replica ${index}`);
    await replica.stop('SIGKILL');
    await begin(index);
  }

  async function freeze(replica: AppProcess): Promise<void> {
    const ms = chance.between(FROZEN_MS.min, FROZEN_MS.max);
    say(`replica ${replicas.indexOf(replica)} frozen for ${ms} ms`);
    replica.signal('SIGSTOP');
    await pause(ms);
    replica.signal('SIGCONT');
  }

  /** A new life; of the replica with the wrong clock with the other hour. */
  async function begin(index: number): Promise<void> {
    const replica = replicas[index];
    if (!replica) throw new RangeError(`there is no replica ${index}`);
    const isWrong = index === WRONG && wrongHours !== 0;
    await started(replica, isWrong ? falseClock(wrongHours) : {});
    if (!isWrong) return;
    clocks.push(...(await clockAsWanted(replica.url, wrongHours)));
    wrongHours = -wrongHours;
    wrongLives++;
  }

  /** A machine that is too busy to start a process in time breaks no promise of the suite. */
  async function started(
    replica: AppProcess,
    more: Readonly<Record<string, string>>,
  ): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await replica.start(more);
      } catch (fault) {
        if (tries === STARTS_MAX) throw fault;
        say(`a replica did not start in time, and is started again: ${String(fault)}`);
        await replica.stop('SIGKILL');
      }
    }
  }

  async function streamsOf() {
    return grouped(await eventsOf(suite, 'order=asc'), ({ stream }) => stream);
  }

  function leasesOf(probe: Probe, streams: Awaited<ReturnType<typeof streamsOf>>) {
    const yaml = join(WORKSPACE, 'examples', 'wedding', 'book-wedding.yaml');
    const definitions = compiled([parse(readFileSync(yaml, 'utf8')), ...TIMED_DEFINITIONS]);
    const taken = takeOvers(probe.sights);
    const knownAt = (stream: string, position: number) =>
      (streams.get(stream) ?? []).filter((event) => event.position <= position);
    const stood = standstills(taken, strikes, (stream, position) =>
      dueAt(knownAt(stream, position), definitions, isSilent),
    );
    for (const one of slowest(stood)) {
      const { stream, position, since, takenOverAt } = one;
      const last = knownAt(stream, position).at(-1)?.type ?? 'nothing';
      const parts = `taken over after ${Math.round(takenOverAt - since)} ms, behind ${last}`;
      say(`${stream} stood still for ${Math.round(msOf(one))} ms: ${parts}`);
    }
    const ms = stood.map(msOf);
    const [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1].map((part) => Math.round(quantile(ms, part)));
    const violations = [
      ...staleAppends(probe.sights),
      ...((p99 ?? 0) > TAKE_OVER_P99_MS_MAX ? [`the take-over of a run took ${p99} ms (p99)`] : []),
      ...(ms.length === 0 ? ['no take-over was seen: nothing is proved'] : []),
    ];
    const figures = {
      ...{ take_overs: taken.length, take_overs_measured: ms.length },
      ...{ take_over_ms_p50: p50, take_over_ms_p95: p95, take_over_ms_p99: p99 },
      ...{ take_over_ms_max: max, appends_with_a_lease: probe.sights.length - taken.length },
      stale_appends_tried_and_refused: probe.refused,
      stale_appends_refused_in_all: refusedAppends(probe.sights),
    };
    return { figures, violations };
  }

  async function timersFound(runs: readonly Booking[]) {
    const streams = await streamsOf();
    const lost = runs.flatMap(({ booking_id, workflow_id }) =>
      lostTimers(
        booking_id.slice(0, booking_id.indexOf('-')),
        streams.get(`workflow-${workflow_id}`) ?? [],
      ),
    );
    const { fired, earlyMax, lateness, violations } = timersOf(streams);
    const late = [0.5, 0.99, 1].map((part) => Math.round(quantile(lateness, part)));
    const figures = {
      ...{ timers: fired, timer_early_ms_max: Math.round(earlyMax) },
      ...{ timer_late_ms_p50: late[0], timer_late_ms_p99: late[1], timer_late_ms_max: late[2] },
    };
    return { figures, violations: [...lost, ...violations] };
  }

  /** By the logs of all lives, and by what the last ones say when they are scraped. */
  async function sweptByAll(): Promise<number> {
    const logs = [suite.logFileOf('saga'), ...[1, WRONG].map((n) => join(logDir, `saga-${n}.log`))];
    const said = logs.map((file) => sweptIn(readFileSync(file, 'utf8')));
    const now = await Promise.all(replicas.map(({ url }) => sweptNow(url)));
    return Math.max(
      said.reduce((sum, runs) => sum + runs, 0),
      now.reduce((sum, runs) => sum + runs, 0),
    );
  }

  function replicaEnvironment(): Record<string, string> {
    return {
      HOST: '127.0.0.1',
      NATS_URL: suite.natsUrl,
      DOWNBEAT_MODE: 'development',
      LOG_LEVEL: 'info',
      DATABASE_URL_SAGA: contextUrl(suite.databaseUrl, 'saga', PASSWORD),
    };
  }
});
