import { setTimeout as pause } from 'node:timers/promises';
import { CALLS_PER_RUN } from '../load/workflow';
import type { ParticipantProcess } from '../suite/participant';
import type { DurableContender } from './contender';

const RUNS = 640;
/** So long a call takes: the runs are under way together when the engine is killed. */
export const SLOW_CALL_MS = 1_500;
/** So many calls are under way too: one that is killed before it calls anybody has nothing to repeat. */
const CALLS_MIN = 150;
const ENDED_MS_MAX = 120_000;
const ASK_EVERY_MS = 100;

export interface Recovery {
  /** The same runs with nothing killed, from the first start to the last end. */
  readonly steadyS: number;
  /** Runs accepted and not ended at the kill. */
  readonly underWay: number;
  /** From the kill until it is ready again. */
  readonly restartS: number;
  /** From the kill until all have ended. */
  readonly endedS: number;
  /** Calls made more than once. */
  readonly repeated: number;
}

let batches = 0;

/** Kills the engine when all runs are accepted, and some have made their first call. @throws {Error} A run was lost. */
export async function recoveryOf(
  contender: DurableContender,
  slow: ParticipantProcess,
): Promise<Recovery> {
  await contender.atRest();
  const steadyAt = performance.now();
  const steady = idsOf();
  await contender.start([...steady]);
  await allEnded(contender, steady);
  const steadyS = secondsSince(steadyAt);
  await contender.atRest();

  await slow.report();
  const ids = idsOf();
  await contender.start([...ids]);
  await callsMade(slow);
  const underWay = RUNS - (await contender.ended(ids));
  const killedAt = performance.now();
  await contender.kill();
  await contender.restart();
  const restartS = secondsSince(killedAt);
  await allEnded(contender, ids);
  const endedS = secondsSince(killedAt);
  const { keys, repeated } = await slow.report();
  if (keys !== RUNS * CALLS_PER_RUN)
    throw new Error(`${contender.name}: ${keys} different calls for ${RUNS} runs`);
  return { steadyS, underWay, restartS, endedS, repeated: repeated.length };
}

const idsOf = (): ReadonlySet<string> => {
  const batch = ++batches;
  return new Set(Array.from({ length: RUNS }, (_, n) => `recovery-${process.pid}-${batch}-${n}`));
};

async function callsMade(slow: ParticipantProcess): Promise<void> {
  const deadline = Date.now() + ENDED_MS_MAX;
  while ((await slow.calls()) < CALLS_MIN) {
    if (Date.now() > deadline) throw new Error(`fewer than ${CALLS_MIN} calls were made`);
    await pause(ASK_EVERY_MS / 10);
  }
}

async function allEnded(contender: DurableContender, ids: ReadonlySet<string>): Promise<void> {
  const deadline = Date.now() + ENDED_MS_MAX;
  for (;;) {
    const ended = await contender.ended(ids);
    if (ended === ids.size) return;
    if (Date.now() > deadline)
      throw new Error(`${contender.name}: ${ended} of ${ids.size} runs have ended`);
    await pause(ASK_EVERY_MS);
  }
}

const secondsSince = (atMs: number): number => (performance.now() - atMs) / 1_000;
