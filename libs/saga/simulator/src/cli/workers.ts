import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Report, Task } from './protocol';

/** A seed leaves much garbage and keeps nothing. */
const EXEC_ARGV = ['--max-semi-space-size=64'];
/** Longer than any task takes; one that hangs is a defect. */
const TASK_MAX_MS = 600_000;

/** Has all tasks done by some processes, each one task at a time; they end with it. */
export async function inWorkers(
  tasks: Iterable<Task>,
  workers: number,
  onReport: (report: Report) => void,
): Promise<void> {
  const iterator = tasks[Symbol.iterator]();
  const work = async (): Promise<void> => {
    const child = fork(join(__dirname, 'worker.js'), { stdio: 'inherit', execArgv: EXEC_ARGV });
    try {
      for (let next = iterator.next(); !next.done; next = iterator.next())
        onReport(await reportOf(child, next.value));
    } finally {
      child.kill();
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}

function reportOf(child: ChildProcess, task: Task): Promise<Report> {
  return new Promise((resolve, reject) => {
    const told = (report: Report): void => {
      stop();
      resolve(report);
    };
    const failed = (why: string) => (): void => {
      stop();
      reject(new Error(`a worker ${why} at ${JSON.stringify(task)}`));
    };
    const ended = failed('ended');
    const patience = setTimeout(failed('hangs'), TASK_MAX_MS);
    const stop = (): void => {
      clearTimeout(patience);
      child.off('message', told);
      child.off('exit', ended);
    };
    child.once('message', told);
    child.once('exit', ended);
    child.send(task);
  });
}
