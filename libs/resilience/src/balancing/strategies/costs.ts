import { Endpoint } from '../endpoint';
import { Seat } from '../group';

/** Stands for a latency nobody knows yet, in milliseconds; longer than any call may take. */
const UNKNOWN_MS = 3_600_000;

/**
 * An endpoint nobody knows is asked at once, and then not again before it has answered: it neither
 * waits for ever nor drowns in its first moment.
 */
function latencyMsOf(seat: Seat<Endpoint>, nowMs: number): number {
  const knownMs = seat.member.latency.at(nowMs);
  if (knownMs > 0) return knownMs;
  return seat.member.underWay === 0 ? 0 : UNKNOWN_MS;
}

const queueOf = (seat: Seat<Endpoint>): number => (seat.member.underWay + 1) / seat.weight;

/**
 * How long a call would take there if those under way came first: latency times calls, for its
 * weight.
 *
 * @see Peak EWMA in Twitter's Finagle.
 */
export function peakEwmaCost(seat: Seat<Endpoint>, nowMs: number): number {
  return latencyMsOf(seat, nowMs) * queueOf(seat);
}

/**
 * Latency, load and success together: the time to a *good* answer. A call that goes well with
 * probability p has to be made 1/p times on average; the queue counts with its third power, so that
 * a long queue at a fast endpoint costs more than a slower endpoint without one.
 *
 * @see The third power: C3 (Suresh et al., "C3: Cutting Tail Latency in Cloud Data Stores via
 *      Adaptive Replica Selection", NSDI 2015), without what only its servers could report.
 * @see Success in the cost of two choices: the `p2c` balancers of go-zero and Kratos.
 */
export function adaptiveCost(seat: Seat<Endpoint>, nowMs: number): number {
  const queue = queueOf(seat);
  return (latencyMsOf(seat, nowMs) * queue * queue * queue) / seat.member.success.at(nowMs);
}
