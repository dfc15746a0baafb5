import { setTimeout as pause } from 'node:timers/promises';
import type { BenchContext, LoadBench, Part } from '../bench-context';
import { assertNone } from '../load/judge-round';
import type { RunClient } from '../load/run-client';
import { settled } from '../load/settled';
import { CALLS_PER_RUN, registerWorkflow } from '../load/workflow';
import { figure, type Target } from '../report/figure';
import { ParticipantProcess } from '../suite/participant';

const ROUNDS = 2;
const RUNS = 640;
/** Long enough that all runs are under way together. */
const CALL_MS = 500;
const WORKFLOW = 'bench-slow-order';
const SERVICES = ['bench-slow-stock', 'bench-slow-payment'] as const;
/** So many commands have been accepted when the process is killed: all, or half of them. */
const KILLED_AFTER = { underWay: RUNS, arriving: RUNS / 2 } as const;
/** A call and its record are stamped by two clocks of one machine. */
const CLOCKS_MS = 2;

interface Round {
  readonly underWay: number;
  readonly restartS: number;
  readonly endedS: number;
  /** Calls whose answer was lost, made again. */
  readonly again: number;
  /** Calls made again although they were recorded. */
  readonly wrong: number;
  readonly lost: number;
}

/** 640 runs under way, kill -9 of the saga app: how long until all have ended, and how. */
export const recovery: Part = {
  name: 'recovery',
  async run(context) {
    const bench = await context.loadBench();
    const { client } = bench;
    const slow = await ParticipantProcess.start(context.suite, SERVICES, { delayMs: CALL_MS });
    try {
      await registerWorkflow(context.suite, WORKFLOW, SERVICES);
      const participant = { ...bench, participant: slow };
      const [steadyS, rounds]: [number[], Round[]] = [[], []];
      for (let round = 0; round < ROUNDS; round++) {
        await settled(client, await context.counts.head());
        steadyS.push((await timed(() => allEnded(client))) / 1_000);
        rounds.push(await killed(context, participant, KILLED_AFTER.underWay));
      }
      const arriving = await killed(context, participant, KILLED_AFTER.arriving);
      assertNone('what the client heard', client.violations);
      const of = (name: string, unit: string, value: (round: Round) => number, target?: Target) =>
        figure('recovery', name, unit, rounds.map(value), target);
      return {
        figures: [
          figure('recovery', `${RUNS} runs, nothing killed: all ended after`, 's', steadyS),
          of('kill -9 with so many runs under way', '', ({ underWay }) => underWay),
          of('the killed process is ready again after', 's', ({ restartS }) => restartS),
          of('all runs ended after', 's', ({ endedS }) => endedS),
          figure(
            'recovery',
            'that, by restart + 1.5 x the time without a kill',
            'x',
            rounds.map(
              ({ endedS, restartS }, round) => endedS / (restartS + 1.5 * (steadyS[round] ?? 0)),
            ),
            { atMost: 1 },
          ),
          of('calls made again because their answer was lost', '', ({ again }) => again),
          of('calls made again although recorded', '', ({ wrong }) => wrong, { atMost: 0 }),
          of('runs lost', '', ({ lost }) => lost, { atMost: 0 }),
          figure('recovery', `kill -9 while ${RUNS} commands arrive: all ended after`, 's', [
            arriving.endedS,
          ]),
        ],
      };
    } finally {
      await slow.stop();
    }
  },
};

async function killed(
  { suite, counts }: BenchContext,
  { client, participant }: LoadBench,
  accepted: number,
): Promise<Round> {
  await settled(client, await counts.head());
  await participant.report();
  const head = await counts.head();
  const ended = allEnded(client);
  while ((await counts.startsAfter(head)).length < accepted) await pause(5);
  const killedAt = performance.now();
  const saga = suite.app('saga');
  await saga.stop('SIGKILL');
  const [starts, done] = [await counts.startsAfter(head), await counts.endsAfter(head)];
  const underWay = starts.length - done.length;
  const restartMs = await timed(async () => {
    await saga.start();
  });
  await ended;
  const endedMs = performance.now() - killedAt;

  await settled(client, await counts.head());
  const ends = await counts.endsAfter(head);
  const { repeated, keys } = await participant.report();
  if (keys !== RUNS * CALLS_PER_RUN) throw new Error(`${keys} different calls were made`);
  const recorded = await counts.recordedSteps(head);
  const round = {
    underWay,
    restartS: restartMs / 1_000,
    endedS: endedMs / 1_000,
    again: repeated.length,
    wrong: repeated.filter(({ key, atMs }) =>
      atMs.some((at) => at > (recorded.get(key) ?? Number.POSITIVE_INFINITY) + CLOCKS_MS),
    ).length,
    lost: RUNS - ends.filter(({ type }) => type === 'WorkflowCompleted').length,
  };
  console.log(JSON.stringify({ benchmark: 'recovery', accepted, ...round }));
  return round;
}

let started = 0;

const allEnded = (client: RunClient) =>
  Promise.all(
    Array.from({ length: RUNS }, () =>
      client.run('nats', WORKFLOW, `recovery-${process.pid}-${++started}`),
    ),
  );

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
