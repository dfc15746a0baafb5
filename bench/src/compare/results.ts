import { median, percentile, rounded } from '../measure/statistics';
import { figure, type Figure, type Target } from '../report/figure';
import type { Recovery } from './recovery';
import type { Round } from './round';

/** What was measured of one contender, a round after the other. */
export interface Results {
  readonly name: string;
  readonly isOnPostgres: boolean;
  readonly busy: Round[];
  readonly unloaded: Round[];
  readonly recoveries: Recovery[];
}

/** A measure of a contender, one value per round; empty where it does not apply. */
interface Measure {
  readonly title: string;
  readonly of: (results: Results, cores: number) => readonly number[];
}

export const cpuMs = ({ partsUs }: Round): number =>
  [...partsUs.values()].reduce((sum, us) => sum + us, 0) / 1_000;

/** Runs that the machine has CPU time for, if there were nothing else to wait for. */
export const cpuBound = (cores: number, ms: number): number => (cores * 1_000) / ms;

const of =
  (rounds: 'busy' | 'unloaded', value: (round: Round) => number) =>
  (results: Results): readonly number[] =>
    results[rounds].map(value);
const ofDatabase =
  (value: (round: Round) => number) =>
  (results: Results): readonly number[] =>
    results.isOnPostgres ? results.busy.map(value) : [];
const ofRecovery =
  (value: (recovery: Recovery) => number) =>
  ({ recoveries }: Results): readonly number[] =>
    recoveries.map(value);
const ofCommits = (rounds: 'busy' | 'unloaded', share: number) => (results: Results) =>
  results[rounds]
    .filter(({ committedMs }) => committedMs.length > 0)
    .map(({ committedMs }) => percentile(committedMs, share));
const told = (share: number) => (round: Round) => percentile(round.toldMs, share);

const SHARES = [0.5, 0.95, 0.99] as const;

export const measures = (concurrency: number): readonly Measure[] => [
  { title: 'CPU per run, ms', of: of('busy', cpuMs) },
  {
    title: 'CPU per run of apps beside it, ms',
    of: (results) => results.busy.map(({ besideUs }) => besideUs / 1_000).filter((ms) => ms !== 0),
  },
  {
    title: 'CPU-bound runs/s',
    of: ({ busy }, cores) => busy.map((round) => cpuBound(cores, cpuMs(round))),
  },
  { title: `${concurrency} at once: runs/s`, of: of('busy', ({ runsPerS }) => runsPerS) },
  ...SHARES.map((share) => ({
    title: `${concurrency} at once: p${share * 100}, ms`,
    of: of('busy', told(share)),
  })),
  ...SHARES.map((share) => ({
    title: `${concurrency} at once: p${share * 100} to the commit, ms`,
    of: ofCommits('busy', share),
  })),
  ...SHARES.map((share) => ({
    title: `one at a time: p${share * 100}, ms`,
    of: of('unloaded', told(share)),
  })),
  { title: 'one at a time: p50 to the commit, ms', of: ofCommits('unloaded', 0.5) },
  { title: 'transactions that write, per run', of: ofDatabase(({ commits }) => commits) },
  { title: 'WAL per run, bytes', of: ofDatabase(({ walBytes }) => walBytes) },
  { title: 'peak memory of the engine, MB', of: of('busy', ({ memoryMb }) => memoryMb) },
  { title: '640 slow runs, nothing killed: all ended, s', of: ofRecovery((one) => one.steadyS) },
  { title: 'kill -9: runs under way', of: ofRecovery((one) => one.underWay) },
  { title: 'kill -9: ready again, s', of: ofRecovery((one) => one.restartS) },
  { title: 'kill -9: all ended, s', of: ofRecovery((one) => one.endedS) },
  { title: 'kill -9: calls made again', of: ofRecovery((one) => one.repeated) },
];

/** Rows of text: a measure each, with a column per contender; the median, and the spread of rounds. */
export function comparison(
  all: readonly Results[],
  cores: number,
  concurrency: number,
): { readonly titles: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  const cell = (values: readonly number[]): string => {
    if (values.length === 0) return '';
    const text = spaced(median(values));
    const [min, max] = [spaced(Math.min(...values)), spaced(Math.max(...values))];
    return min === max ? text : `${text} (${min} to ${max})`;
  };
  const processes = (results: Results): string =>
    [...(results.busy[0]?.partsUs.keys() ?? [])]
      .map((name) => `${name} ${spaced(median(of('busy', partOf(name))(results)))}`)
      .join(', ');
  const rows = measures(concurrency).map(({ title, of: valuesOf }) => [
    title,
    ...all.map((results) => cell(valuesOf(results, cores))),
  ]);
  rows.splice(1, 0, ['of it', ...all.map(processes)]);
  return { titles: ['', ...all.map(({ name }) => name)], rows };
}

const partOf = (name: string) => (round: Round) => (round.partsUs.get(name) ?? 0) / 1_000;
const spaced = (value: number): string => rounded(value).toLocaleString('en-US');

/** The names by which contenders are compared. */
export interface Compared {
  readonly nats: Results;
  readonly rest: Results;
  readonly dbos: Results;
  readonly restate: Results;
  /** Restate with a partition per core. */
  readonly tuned: Results;
  readonly floor: Results;
}

/** What ARCHITECTURE 8 asks of the comparison; ratios are of rounds that took turns. */
export function ratios({ nats, rest, dbos, restate, tuned, floor }: Compared): readonly Figure[] {
  const by = (a: Results, b: Results, value: (results: Results) => readonly number[]) => {
    const below = value(b);
    return value(a).map((one, round) => one / (below[round] ?? Number.NaN));
  };
  const cpu = (results: Results) => results.busy.map(cpuMs);
  const everything = (results: Results) =>
    results.busy.map((round) => cpuMs(round) + round.besideUs / 1_000);
  const p99 = of('busy', told(0.99));
  const p50 = of('unloaded', told(0.5));
  const one = (name: string, unit: string, values: readonly number[], target?: Target) =>
    figure('ratios', name, unit, values, target);
  const cpuBoundBy = (own: Results, peer: Results, target?: Target) =>
    one(`CPU-bound runs/s: ${own.name} / ${peer.name}`, 'x', by(peer, own, cpu), target);
  const withAll = (own: Results, peer: Results) =>
    one(
      `the same with the apps beside it: ${own.name} / ${peer.name}`,
      'x',
      by(peer, own, everything),
    );
  const p99By = (peer: Results, target?: Target) =>
    one(`p99 at 64: ${nats.name} / ${peer.name}`, 'x', by(nats, peer, p99), target);
  return [
    cpuBoundBy(nats, restate, { atLeast: 2 }),
    cpuBoundBy(nats, tuned),
    cpuBoundBy(nats, dbos, { atLeast: 4 }),
    ...[restate, tuned, dbos].map((peer) => cpuBoundBy(rest, peer)),
    ...[restate, tuned, dbos].map((peer) => withAll(nats, peer)),
    p99By(restate, { atMost: 1 }),
    p99By(tuned),
    p99By(dbos),
    one(`unloaded p50: ${nats.name} / ${floor.name}`, 'x', by(nats, floor, p50), { atMost: 1.5 }),
    one(`CPU per run: ${nats.name}`, 'ms', cpu(nats), { atMost: 1.6 }),
    one(`CPU per run: ${rest.name}`, 'ms', cpu(rest), { atMost: 2.4 }),
    one(
      'peak memory of the saga process',
      'MB',
      nats.busy.map(({ memoryMb }) => memoryMb),
      { atMost: 150 },
    ),
  ];
}
