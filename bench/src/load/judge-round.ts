import type { CallReport } from '../participant/call-counter';
import type { RunMark } from '../suite/log-counts';
import type { EndedRun } from './run-client';
import { CALLS_PER_RUN } from './workflow';

/**
 * What must hold of a round in which nothing failed: each run that was started has ended once, well,
 * by the log and by the bus, and each of its calls was made exactly once. A sentence per violation.
 */
export function judgeRound(
  runs: readonly EndedRun[],
  ends: readonly RunMark[],
  calls: CallReport,
): readonly string[] {
  const violations: string[] = [];
  const logged = new Set(ends.map(({ correlation_id }) => correlation_id));
  const expect = (what: string, found: number, wanted: number): void => {
    if (found !== wanted) violations.push(`${what}: ${found}, and not ${wanted}`);
  };
  expect('ends in the log', ends.length, runs.length);
  expect('runs in the log', logged.size, runs.length);
  expect(
    'runs of this round in the log',
    runs.filter(({ correlationId }) => logged.has(correlationId)).length,
    runs.length,
  );
  expect('good ends', ends.filter(({ type }) => type === 'WorkflowCompleted').length, runs.length);
  expect('different calls', calls.keys, CALLS_PER_RUN * runs.length);
  expect('calls', calls.calls, CALLS_PER_RUN * runs.length);
  return violations;
}

/** Figures of a run of the suite that did something wrong are worth nothing. */
export function assertNone(what: string, violations: readonly string[]): void {
  if (violations.length > 0) throw new Error(`${what}: ${violations.slice(0, 10).join('; ')}`);
}
