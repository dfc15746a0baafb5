import { CallEnding, Endpoint } from './endpoint';
import { EjectionCause, Member } from './member';

export interface OutlierPolicy {
  /** So many failures without a good call between them eject. */
  readonly failuresInRowMax: number;
  /** How often success rates are compared; the counts start anew each time. */
  readonly intervalMs: number;
  /** Who had fewer calls in the interval is not compared. */
  readonly callsMin: number;
  /** With fewer to compare nobody is. */
  readonly endpointsMin: number;
  /** A success rate so many standard deviations below the mean ejects. */
  readonly deviations: number;
  /** And at least so far: where the others are perfect, one failure is many deviations. 0 to 1. */
  readonly gapMin: number;
  /** The first ejection lasts so long, the second twice, and so on, up to `ejectMaxMs`. */
  readonly ejectMs: number;
  readonly ejectMaxMs: number;
  /** No more than this share of the endpoints that are well otherwise is out at any time, rounded down; 0 to 1. */
  readonly ejectedShareMax: number;
}

/**
 * Takes endpoints out for a while that do worse than the others. It has no timer: the one who holds
 * it calls `sweep` when it is due.
 *
 * The share is one of those that would get new calls otherwise: healthy and not draining. Envoy's
 * `max_ejection_percent` is a share of all hosts of the cluster, those that fail its health checks
 * included: where half of them do, 50 % lets the other half be put out too. Rounding never ejects one too
 * many, as gRPC and older versions of Envoy do; as in Envoy without `always_eject_one_host`, a small share
 * of few is nobody. And a rate has to be worse by more than a hair.
 *
 * @see Envoy, "Outlier detection" and config.cluster.v3.OutlierDetection; gRPC proposal A50.
 */
export class OutlierEjection<E extends Endpoint> {
  /** Grows whenever somebody is put out. */
  changes = 0;
  private members: readonly Member<E>[] = [];
  private sweepAtMs: number | undefined;

  constructor(private readonly policy: OutlierPolicy) {}

  /** The next snapshot. If it is so small that too many are out, those who were to return first do. */
  list(members: readonly Member<E>[], nowMs: number): void {
    this.members = members;
    const out = members.filter((member) => isUsable(member) && member.isEjected(nowMs));
    out.sort((one, other) => other.ejectedUntilMs - one.ejectedUntilMs);
    for (const member of out.slice(this.ejectedMax())) member.ejectedUntilMs = nowMs;
  }

  saw(member: Member<E>, ending: CallEnding, nowMs: number): void {
    // What comes back from before an ejection has been judged already.
    if (ending === 'abandoned' || member.isEjected(nowMs)) return;
    member.calls++;
    if (ending === 'ok') {
      member.failuresInRow = 0;
      return;
    }
    member.failures++;
    member.failuresInRow++;
    if (member.failuresInRow >= this.policy.failuresInRowMax)
      this.eject(member, 'consecutive-failures', nowMs);
  }

  /** When to call `sweep` next. */
  dueMs(nowMs: number): number {
    this.sweepAtMs ??= nowMs + this.policy.intervalMs;
    return this.sweepAtMs;
  }

  /** Compares success rates, the worst first, and forgives those who had a quiet interval. */
  sweep(nowMs: number): void {
    const { callsMin, endpointsMin } = this.policy;
    const rates = this.members
      .filter((member) => !member.isEjected(nowMs) && member.calls >= callsMin)
      .map((member) => ({ member, rate: 1 - member.failures / member.calls }))
      .sort((one, other) => one.rate - other.rate);
    const isCompared = rates.length > 0 && rates.length >= endpointsMin;
    const least = isCompared ? leastRate(rates, this.policy) : -Infinity;
    for (const member of this.members) {
      member.calls = 0;
      member.failures = 0;
      if (!member.isEjected(nowMs)) member.ejections = Math.max(0, member.ejections - 1);
    }
    for (const { member, rate } of rates)
      if (rate < least) this.eject(member, 'success-rate', nowMs);
    this.sweepAtMs = nowMs + this.policy.intervalMs;
  }

  private eject(member: Member<E>, cause: EjectionCause, nowMs: number): void {
    if (!this.mayEject(member, nowMs)) return;
    member.ejections++;
    const { ejectMs, ejectMaxMs } = this.policy;
    member.ejectedUntilMs = nowMs + Math.min(ejectMs * member.ejections, ejectMaxMs);
    member.ejectionCause = cause;
    member.failuresInRow = 0;
    this.changes++;
  }

  /** Who is unhealthy is out as it is; who drains only loses the keys that stuck to it. */
  private mayEject({ endpoint }: Member<E>, nowMs: number): boolean {
    if (!endpoint.isHealthy) return false;
    if (endpoint.isDraining) return this.policy.ejectedShareMax > 0;
    const out = this.members.filter((one) => isUsable(one) && one.isEjected(nowMs)).length;
    return out < this.ejectedMax();
  }

  private ejectedMax(): number {
    // A product that is whole on paper may be a hair below in binary.
    return Math.floor(this.members.filter(isUsable).length * this.policy.ejectedShareMax + 1e-9);
  }
}

/** Gets new calls, as far as the snapshot says. */
const isUsable = ({ endpoint }: Member<Endpoint>): boolean =>
  endpoint.isHealthy && !endpoint.isDraining;

function leastRate(
  rates: readonly { readonly rate: number }[],
  { deviations, gapMin }: OutlierPolicy,
): number {
  const mean = rates.reduce((sum, { rate }) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, { rate }) => sum + (rate - mean) ** 2, 0) / rates.length;
  return mean - Math.max(gapMin, deviations * Math.sqrt(variance));
}
