import { Logger } from '@nestjs/common';
import { Coverage } from '../coverage';
import { hunt, TEETH } from '../teeth/teeth';
import { simulate } from '../world/simulation';
import { firstFew, type Failure, type Report, type Task } from './protocol';

// One process that lives through seeds for another one.
Logger.overrideLogger(false);
// Faults are thrown by the thousand, and nobody reads where.
Error.stackTraceLimit = 0;
process.on('message', (task: Task) => {
  void work(task).then((report) => process.send?.(report));
});

async function work(task: Task): Promise<Report> {
  return task.task === 'seeds' ? liveThrough(task) : look(task);
}

async function liveThrough({ first, last }: Task): Promise<Report> {
  const coverage = new Coverage();
  const failures: Failure[] = [];
  const before = process.cpuUsage();
  let [events, happenings, virtualMs] = [0, 0, 0];
  for (let seed = first; seed <= last; seed++) {
    const result = await simulate({ seed, coverage });
    if (result.violations.length > 0) failures.push(result);
    events += result.events;
    happenings += result.happenings;
    virtualMs += result.lastedMs;
  }
  const { length: failed } = failures;
  const counts = [...coverage.counts];
  const seeds = last - first + 1;
  const { user, system } = process.cpuUsage(before);
  const cpuMs = (user + system) / 1_000;
  const figures = { seeds, failed, events, happenings, virtualMs, cpuMs, counts };
  return { task: 'seeds', failures: firstFew(failures), ...figures };
}

async function look(task: Extract<Task, { task: 'tooth' }>): Promise<Report> {
  const { name, first, last } = task;
  const tooth = TEETH.find((one) => one.name === name);
  const bite = tooth && (await hunt(tooth, first, last));
  const [found] = firstFew(bite ? [{ seed: bite.seed, violations: [bite.violation] }] : []);
  return { task: 'tooth', name, found };
}
