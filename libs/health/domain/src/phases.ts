import type { registryContract } from '@downbeat/contracts';
import type { CheckPlan, Phase } from './check-plan';
import type { Inherited } from './inherited-failure';
import {
  observe,
  unobserved,
  type CheckedStatus,
  type CheckResult,
  type Observation,
} from './thresholds';

/** How an instance stands, by which of its checks. */
export interface Standing {
  readonly status: CheckedStatus;
  readonly phase: Phase;
  /** Of an unhealthy instance with phases. */
  readonly reason?: registryContract.UnhealthyReason | undefined;
}

/** What its checks have seen so far. */
export interface InstanceObservation {
  /** Its startup check has passed once, or it has none. */
  readonly hasStarted: boolean;
  readonly startup: Observation;
  readonly liveness: Observation;
  readonly readiness: Observation;
}

/** What is recorded of an instance. */
export interface RecordedStanding {
  readonly hasStarted: boolean;
  /** Undefined: nothing yet. */
  readonly standing?: Standing | undefined;
}

/** Where whoever checks it now begins: what is recorded counts, what was counted since does not. */
export function beginAt(
  plan: CheckPlan,
  { hasStarted, standing }: RecordedStanding,
): InstanceObservation {
  const isBeyond = standing !== undefined && standing.phase !== 'startup';
  const at = (phase: Phase): Observation =>
    standing?.phase === phase ? { ...unobserved, status: standing.status } : unobserved;
  return {
    hasStarted: hasStarted || isBeyond || plan.startup === undefined,
    startup: at('startup'),
    liveness: at('liveness'),
    readiness: at('readiness'),
  };
}

/** Which checks are due by themselves now: startup alone, then the others. */
export function runningPhases({ hasStarted }: InstanceObservation, plan: CheckPlan): Phase[] {
  if (!hasStarted) return ['startup'];
  return plan.liveness ? ['liveness', 'readiness'] : ['readiness'];
}

/**
 * The observation after one more result.
 *
 * @param isOverdue The time in which the instance had to start is over.
 */
export function observeInstance(
  before: InstanceObservation,
  phase: Phase,
  result: CheckResult,
  plan: CheckPlan,
  isOverdue: boolean,
): InstanceObservation {
  if (phase === 'startup') return observeStartup(before, result, plan, isOverdue);
  const thresholds = plan[phase];
  return thresholds ? { ...before, [phase]: observe(before[phase], result, thresholds) } : before;
}

function observeStartup(
  before: InstanceObservation,
  result: CheckResult,
  { startup }: CheckPlan,
  isOverdue: boolean,
): InstanceObservation {
  if (before.hasStarted || !startup) return before;
  const seen = observe(before.startup, result, startup);
  const hasStarted = seen.passes >= startup.success_threshold;
  // Before its time is over no number of failures says that it will not start.
  const status = isOverdue ? 'unhealthy' : before.startup.status;
  return { ...before, hasStarted, startup: { ...seen, status } };
}

/** The first of its checks that stands against it speaks for the instance: who is dead cannot be ready. */
export function standingOf(seen: InstanceObservation, plan: CheckPlan): Standing {
  if (!seen.hasStarted)
    return seen.startup.status === 'unhealthy'
      ? { status: 'unhealthy', phase: 'startup', reason: 'startup-timed-out' }
      : { status: 'starting', phase: 'startup' };
  if (plan.liveness && seen.liveness.status === 'unhealthy')
    return { status: 'unhealthy', phase: 'liveness', reason: 'needs-restart' };
  const { status } = seen.readiness;
  const isNotReady = status === 'unhealthy' && plan.isPhased;
  return { status, phase: 'readiness', ...(isNotReady && { reason: 'not-ready' }) };
}

/**
 * Why it is unhealthy, for everybody: whose failure another one is to blame for needs no restart. Where
 * that one only fell ill later, the need of a restart stands, and its failure is named beside it.
 */
export const reasonSaid = (
  reason: Standing['reason'],
  inherited: Pick<Inherited, 'isToBlame'> | undefined,
): Standing['reason'] =>
  inherited?.isToBlame && reason === 'needs-restart' ? 'inherited' : reason;

/** What its checks said, whoever's failure it is. */
export const reasonFound = (said: Standing['reason']): Standing['reason'] =>
  said === 'inherited' ? 'needs-restart' : said;

export const isSameStanding = (a: Standing, b: Standing | undefined): boolean =>
  a.status === b?.status && a.reason === b.reason;
