import { TEETH } from '../teeth/teeth';
import type { Failure, Task } from './protocol';
import { inWorkers } from './workers';

const LAST_SEED = 10_000;

/** @returns Whether each planted bug is found within 10,000 seeds. */
export async function showTeeth(workers: number, say: (line: string) => void): Promise<boolean> {
  const found = new Map<string, Failure>();
  const tasks = TEETH.map(({ name }): Task => ({ task: 'tooth', name, first: 1, last: LAST_SEED }));
  await inWorkers(tasks, workers, (report) => {
    if (report.task === 'tooth' && report.found) found.set(report.name, report.found);
  });
  say('| Planted bug | What it does | First seed | How it shows |');
  say('| --- | --- | --- | --- |');
  for (const { name, says } of TEETH) {
    const bite = found.get(name);
    say(`| ${name} | ${says} | ${bite?.seed ?? 'none'} | ${bite?.violations[0] ?? ''} |`);
  }
  say(`${found.size} of ${TEETH.length} planted bugs found within ${LAST_SEED} seeds`);
  return found.size === TEETH.length;
}
