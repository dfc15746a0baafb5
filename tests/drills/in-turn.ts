import { setTimeout as pause } from 'node:timers/promises';

/** Does all of it in its order, whatever goes wrong, and then throws what went wrong first. */
export async function inTurn(steps: readonly (() => unknown)[]): Promise<void> {
  const faults: { readonly fault: unknown }[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (fault) {
      faults.push({ fault });
    }
  }
  if (faults[0]) throw faults[0].fault;
}

/** Returns when all have settled, or after this time: what became of them is nobody's business. */
export async function atMost(ms: number, all: readonly unknown[]): Promise<void> {
  await Promise.race([Promise.allSettled(all), pause(ms, undefined, { ref: false })]);
}
