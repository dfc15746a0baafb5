import { WORKFLOW, type BenchContext } from '../bench-context';
import { closedLoop } from '../load/closed-loop';
import { assertNone, judgeRound } from '../load/judge-round';
import type { Entry } from '../load/run-client';
import { settled } from '../load/settled';
import { percentile } from '../measure/statistics';
import type { RunMark } from '../suite/log-counts';
import { usageOf, usagePerRun, type Usage } from '../suite/usage';

export interface Round {
  readonly runsPerS: number;
  readonly perRun: Usage;
  /** From the command to the commit that starts the run, each run. */
  readonly acceptedMs: readonly number[];
  /** From the command to the commit that ends the run, each run. */
  readonly committedMs: readonly number[];
  /** From the command to the integration event that says so. */
  readonly seenMs: readonly number[];
}

/** One round of load, counted at its end. @throws {Error} A run or a call was lost or repeated. */
export async function sagaRound(
  context: BenchContext,
  load: { readonly entry: Entry; readonly concurrency: number; readonly forMs: number },
): Promise<Round> {
  const { suite, counts } = context;
  const { client, participant } = await context.loadBench();
  await settled(client, await counts.head());
  await participant.report();
  const [before, head] = [await usageOf(suite, counts), await counts.head()];

  const { runs, ms } = await closedLoop((id) => client.run(load.entry, WORKFLOW, id), load);

  await settled(client, await counts.head());
  const after = await usageOf(suite, counts);
  const ends = await counts.endsAfter(head);
  assertNone('a round of runs', judgeRound(runs, ends, await participant.report()));
  const committedMs = (marks: readonly RunMark[]): readonly number[] => {
    const positions = new Map(marks.map((mark) => [mark.correlation_id, mark.position]));
    return runs.flatMap(({ correlationId, sentAtMs }) => {
      const at = client.committedAtMs(positions.get(correlationId) ?? 0);
      return at === undefined ? [] : [at - sentAtMs];
    });
  };
  const round: Round = {
    runsPerS: (runs.length / ms) * 1_000,
    perRun: usagePerRun(before, after, runs.length),
    acceptedMs: committedMs(await counts.startsAfter(head)),
    committedMs: committedMs(ends),
    seenMs: runs.map(({ sentAtMs, seenAtMs }) => seenAtMs - sentAtMs),
  };
  const { acceptedMs, committedMs: endedMs, seenMs, ...counted } = round;
  console.log(
    JSON.stringify({
      ...{ benchmark: 'saga', ...load, runs: runs.length, ...counted },
      accepted_ms: percentiles(acceptedMs),
      committed_ms: percentiles(endedMs),
      seen_ms: percentiles(seenMs),
    }),
  );
  return round;
}

const percentiles = (ms: readonly number[]) =>
  [0.5, 0.95, 0.99].map((share) => Number(percentile(ms, share).toFixed(1)));
