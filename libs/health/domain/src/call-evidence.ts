import type { DataOf, healthContract } from '@downbeat/contracts';
import type { CheckPlan } from './check-plan';
import type { InstanceObservation } from './phases';

type Report = DataOf<typeof healthContract.reportCalls>;

/** How calls to an instance ended, as one caller saw it. */
export type CallEvidence = Pick<Report['instances'][number], 'ok' | 'failed' | 'last_failure'> &
  Pick<Report, 'window_ms'>;

/** Whether calls fail often enough to say something about the instance: at least half of them. */
export const isAgainst = ({ ok, failed }: CallEvidence): boolean => failed > 0 && failed >= ok;

/**
 * The observation after calls that failed: where at least half of them did, each counts as a failed
 * readiness check. Calls that went well say nothing: the way back is by checks alone, because an
 * instance that is not offered is not called either.
 */
export function observeCalls(
  before: InstanceObservation,
  evidence: CallEvidence,
  { readiness: { failure_threshold } }: CheckPlan,
): InstanceObservation {
  if (!before.hasStarted || !isAgainst(evidence)) return before;
  const failures = before.readiness.failures + evidence.failed;
  const status = failures >= failure_threshold ? 'unhealthy' : before.readiness.status;
  return { ...before, readiness: { status, passes: 0, failures } };
}

/** For people. */
export function detailOf({ ok, failed, window_ms, last_failure }: CallEvidence): string {
  const because = last_failure === undefined ? '' : `: ${last_failure}`;
  return `${failed} of ${ok + failed} calls failed within ${window_ms} ms${because}`;
}
