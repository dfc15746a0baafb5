import { Coverage } from '../coverage';
import { firstFew, type Failure, type Report, type Task } from './protocol';
import { inWorkers } from './workers';

const SEEDS_PER_TASK = 50;
const TOLD_EVERY_MS = 15_000;
/** With fewer seeds it is chance whether everything is met. */
const SEEDS_FOR_COVERAGE = 2_000;

type Told = Extract<Report, { task: 'seeds' }>;

/** @returns Whether all is well: no violation, and everything was met that is listed. */
export async function liveThroughSeeds(
  first: number,
  seeds: number,
  workers: number,
  say: (line: string) => void,
): Promise<boolean> {
  const coverage = new Coverage();
  const failures: Failure[] = [];
  const sum = { seeds: 0, failed: 0, events: 0, happenings: 0, virtualMs: 0, cpuMs: 0 };
  const began = performance.now();
  let toldAt = began;
  const seconds = (): number => (performance.now() - began) / 1_000;
  const rate = (): string => (sum.seeds / seconds()).toFixed(1);
  const took = (report: Told): void => {
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += report[key];
    coverage.add(report.counts);
    for (const failure of report.failures) if (failures.length < 100) failures.push(failure);
    for (const { seed, violations } of report.failures.slice(0, sum.failed > 20 ? 0 : 1))
      say(`seed ${seed}: ${violations[0]}`);
    if (performance.now() - toldAt < TOLD_EVERY_MS) return;
    toldAt = performance.now();
    say(`${sum.seeds} seeds, ${rate()} a second, ${sum.failed} failed`);
  };
  say(`seeds ${first} to ${first + seeds - 1}, ${workers} processes`);
  await inWorkers(tasks(first, seeds), workers, (report) => {
    if (report.task === 'seeds') took(report);
  });

  for (const { kind, met } of coverage.table())
    say(`${kind}: ${met.map(([name, times]) => `${name} ${times}`).join(', ')}`);
  const hours = (sum.virtualMs / 3_600_000).toFixed(0);
  say(
    `${sum.seeds} seeds in ${seconds().toFixed(0)} s, ${rate()} a second, ` +
      `${((sum.seeds * 1_000) / sum.cpuMs).toFixed(1)} a CPU second; ` +
      `${hours} hours of virtual time, ${sum.events} events, ${sum.happenings} happenings`,
  );
  const missed = seeds >= SEEDS_FOR_COVERAGE ? coverage.missed : [];
  for (const name of missed) say(`never met: ${name}`);
  for (const { seed, violations } of firstFew(failures)) {
    say(`seed ${seed} fails; npm run simulate -- --seed ${seed} tells its history`);
    for (const violation of violations) say(`  ${violation}`);
  }
  say(`${sum.failed} of ${sum.seeds} seeds failed`);
  return sum.failed === 0 && missed.length === 0;
}

function* tasks(first: number, seeds: number): Generator<Task> {
  const end = first + seeds;
  for (let from = first; from < end; from += SEEDS_PER_TASK)
    yield { task: 'seeds', first: from, last: Math.min(from + SEEDS_PER_TASK, end) - 1 };
}
