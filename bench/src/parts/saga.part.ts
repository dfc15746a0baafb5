import type { Part } from '../bench-context';
import { assertNone } from '../load/judge-round';
import type { Entry } from '../load/run-client';
import { peakRssMb } from '../measure/proc';
import { percentile } from '../measure/statistics';
import { figure, type Figure, type Target } from '../report/figure';
import type { Usage } from '../suite/usage';
import { sagaRound, type Round } from './saga-round';
import { ThreeCommits } from './three-commits';

const ROUNDS = 3;
const WARM_UP_MS = 4_000;
const BUSY_MS = 8_000;
const UNLOADED_MS = 4_000;
const CONCURRENCY = 64;

/** The way of a run through the suite: how many there can be, what one costs, how long it takes. */
export const saga: Part = {
  name: 'saga',
  async run(context) {
    const { client, participant } = await context.loadBench();
    const { suite } = context;
    for (const entry of ['nats', 'rest'] as const)
      await sagaRound(context, { entry, concurrency: CONCURRENCY, forMs: WARM_UP_MS / 2 });

    const baseline = await ThreeCommits.open(participant);
    const busy: Record<Entry, Round[]> = { nats: [], rest: [] };
    const unloaded: Record<Entry, Round[]> = { nats: [], rest: [] };
    const bare: number[] = [];
    try {
      for (let round = 0; round < ROUNDS; round++)
        for (const entry of ['nats', 'rest'] as const) {
          busy[entry].push(
            await sagaRound(context, { entry, concurrency: CONCURRENCY, forMs: BUSY_MS }),
          );
          unloaded[entry].push(
            await sagaRound(context, { entry, concurrency: 1, forMs: UNLOADED_MS }),
          );
          if (entry === 'nats')
            bare.push(percentile(await baseline.durations(UNLOADED_MS / 2), 0.5));
        }
    } finally {
      await baseline.close();
    }
    assertNone('what the client heard', client.violations);
    const memory = await peakRssMb(suite.app('saga').pid);
    return {
      figures: [
        ...busyFigures('nats', busy.nats, 1.6),
        ...busyFigures('rest', busy.rest, 2.4),
        figure('saga', 'peak memory of the saga process', 'MB', [memory], { atMost: 150 }),
        ...unloadedFigures('nats', unloaded.nats),
        ...unloadedFigures('rest', unloaded.rest),
        figure('saga', 'the same calls with three batched commits, p50', 'ms', bare),
        figure(
          'saga',
          'NATS, one at a time: p50 by that of the same calls with three commits',
          'x',
          unloaded.nats.map(
            ({ committedMs }, round) => percentile(committedMs, 0.5) / (bare[round] ?? 0),
          ),
          { atMost: 1.5 },
        ),
      ],
    };
  },
};

const TITLE: Readonly<Record<Entry, string>> = { nats: 'NATS', rest: 'REST' };

function busyFigures(entry: Entry, rounds: readonly Round[], msMax: number): readonly Figure[] {
  const title = `${TITLE[entry]}, ${CONCURRENCY} at once:`;
  const usage = (name: string, unit: string, of: (usage: Usage) => number, target?: Target) =>
    figure(
      'saga',
      `${title} ${name}`,
      unit,
      rounds.map(({ perRun }) => of(perRun)),
      target,
    );
  const ms = (of: (usage: Usage) => number) => (usage: Usage) => of(usage) / 1_000;
  const own = ({ saga, postgres, nats, gateway }: Usage) =>
    saga + postgres + nats + (entry === 'rest' ? gateway : 0);
  const parts =
    entry === 'rest' ? 'saga, Postgres, nats-server, gateway' : 'saga, Postgres, nats-server';
  return [
    figure(
      'saga',
      `${title} runs`,
      '1/s',
      rounds.map(({ runsPerS }) => runsPerS),
    ),
    usage(`CPU per run (${parts})`, 'ms', ms(own), { atMost: msMax }),
    usage(
      'of it the saga process',
      'ms',
      ms(({ saga }) => saga),
    ),
    usage(
      'of it Postgres',
      'ms',
      ms(({ postgres }) => postgres),
    ),
    usage(
      'of it nats-server',
      'ms',
      ms(({ nats }) => nats),
    ),
    ...(entry === 'rest'
      ? [
          usage(
            'of it the gateway',
            'ms',
            ms(({ gateway }) => gateway),
          ),
        ]
      : []),
    usage(
      'CPU per run of the other apps',
      'ms',
      ms(({ others }) => others),
    ),
    usage('commits of the log per run', '', ({ logCommits }) => logCommits, { atMost: 0.5 }),
    usage('transactions of the database per run', '', ({ transactions }) => transactions),
    ...latencies(
      title,
      'command to commit of the end',
      rounds.map((round) => round.committedMs),
      150,
    ),
    ...latencies(
      title,
      'command to the event that tells the end',
      rounds.map((round) => round.seenMs),
    ),
  ];
}

const unloadedFigures = (entry: Entry, rounds: readonly Round[]): readonly Figure[] => {
  const title = `${TITLE[entry]}, one at a time:`;
  return [
    figure(
      'saga',
      `${title} runs`,
      '1/s',
      rounds.map(({ runsPerS }) => runsPerS),
    ),
    figure(
      'saga',
      `${title} command to commit of the start, p50`,
      'ms',
      rounds.map(({ acceptedMs }) => percentile(acceptedMs, 0.5)),
    ),
    ...latencies(
      title,
      'command to commit of the end',
      rounds.map((round) => round.committedMs),
    ),
  ];
};

const latencies = (
  title: string,
  name: string,
  rounds: readonly (readonly number[])[],
  p99Max?: number,
): readonly Figure[] =>
  [0.5, 0.95, 0.99].map((share) =>
    figure(
      'saga',
      `${title} ${name}, p${share * 100}`,
      'ms',
      rounds.map((ms) => percentile(ms, share)),
      share === 0.99 && p99Max !== undefined ? { atMost: p99Max } : undefined,
    ),
  );
