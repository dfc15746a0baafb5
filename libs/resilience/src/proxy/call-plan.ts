import type { Priority } from '../bulkhead/priority';
import type { CachePolicy } from '../caching/cache-policy';
import type { Deadline } from '../deadline/deadline';
import type { HedgeDelay } from '../hedging/hedge-policy';
import type { Fallback } from './fallback';

/** How calls are to be made. Never changed: each wish makes another plan. */
export interface CallPlan<Request, Answer> {
  readonly session: string | undefined;
  readonly priority: Priority;
  /** So long from the beginning of each call; undefined: as long as its attempts take. */
  readonly withinMs: number | undefined;
  /** Until when somebody waits who is waited for himself. The earlier of both holds. */
  readonly deadline: Deadline | undefined;
  /** Given up with it, whatever it has come to. */
  readonly signal: AbortSignal | undefined;
  /** Of each attempt; undefined: as the target's policy says. */
  readonly timeoutMs: number | undefined;
  /** At most, and at most as the target's policy says. */
  readonly attemptsMax: number;
  /** Whether twice does no harm; undefined: as the method says. */
  readonly isRepeatable: boolean | undefined;
  /** When one more is sent; `policy`: as the target's policy says; undefined: never. */
  readonly hedge: HedgeDelay | 'policy' | undefined;
  readonly cache: CachePolicy<Request, Answer> | undefined;
  readonly fallback: Fallback<Request, Answer> | undefined;
  /** Whether its attempts are kept account of from the beginning; otherwise from the first failure on. */
  readonly isWatched: boolean;
}

/** With no wishes. */
export const plainPlan = <Request, Answer>(): CallPlan<Request, Answer> => ({
  session: undefined,
  priority: 'normal',
  withinMs: undefined,
  deadline: undefined,
  signal: undefined,
  timeoutMs: undefined,
  attemptsMax: Number.POSITIVE_INFINITY,
  isRepeatable: undefined,
  hedge: undefined,
  cache: undefined,
  fallback: undefined,
  isWatched: false,
});

/** They are not meant to change anything. @see RFC 9110, 9.2.1. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

export const isSafe = (method: string): boolean => SAFE.has(method);

/** When the caller of a call that begins now has no use for its answer any more. */
export function untilMsOf(
  plan: Pick<CallPlan<never, never>, 'withinMs' | 'deadline'>,
  nowMs: number,
): number {
  return plan.withinMs === undefined && plan.deadline === undefined
    ? Number.POSITIVE_INFINITY
    : earlierOf(plan, nowMs);
}

function earlierOf(
  { withinMs, deadline }: Pick<CallPlan<never, never>, 'withinMs' | 'deadline'>,
  nowMs: number,
): number {
  const ownMs = withinMs === undefined ? Number.POSITIVE_INFINITY : nowMs + withinMs;
  return deadline === undefined ? ownMs : Math.min(ownMs, deadline.atMs);
}
