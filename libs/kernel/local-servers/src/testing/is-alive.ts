import { readFileSync } from 'node:fs';

/** A zombie has ended, whether or not somebody has collected it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.split(') ').at(-1)?.[0] !== 'Z';
  } catch {
    return false;
  }
}
