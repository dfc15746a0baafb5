import { readFileSync } from 'node:fs';

const EVERY_MS = 25;

/** Repeats the question until the expectation holds; the last failure after `withinMs`. */
export async function eventually(expectation: () => unknown, withinMs = 10_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      await expectation();
      return;
    } catch (failure) {
      if (Date.now() > deadline) throw failure;
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

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
