import type { Endpoint } from '../balancing/endpoint';
import type { Priority } from '../bulkhead/priority';
import { checkCachePolicy, type CachePolicy } from '../caching/cache-policy';
import { Deadline } from '../deadline/deadline';
import { checkDelay } from '../hedging/hedging';
import type { HedgeDelay } from '../hedging/hedge-policy';
import { callCached } from './cached-call';
import { untilMsOf, type CallPlan } from './call-plan';
import type { CallFailure, CallResult } from './call-result';
import type { Fallback, FallbackStrategy, FallbackWhen } from './fallback';
import type { ProxyRequest } from './ports';
import { send } from './send';
import { standInFor } from './stand-in';
import type { Target } from './target';
import type { TargetPolicy } from './target-policy';

type FallbackFunction<Request, Answer> = Extract<
  Fallback<Request, Answer>,
  { kind: 'function' }
>['of'];

/**
 * A service as it is to be called. Immutable: each wish makes another one, and what calls of different
 * handles share (who is there, breaker, budgets, bulkhead) is the target's. Make one, keep it, call it.
 */
export class ServiceHandle<E extends Endpoint, Request extends ProxyRequest, Answer> {
  constructor(
    private readonly target: Target<E, Request, Answer>,
    private readonly plan: CallPlan<Request, Answer>,
  ) {}

  /** As its target is called, unless a wish says more. */
  get policy(): TargetPolicy {
    return this.target.policy;
  }

  /** Calls of a session go to the same instance as long as that is offered; a retry may go elsewhere. */
  withSession(session: string): ServiceHandle<E, Request, Answer> {
    return this.with({ session });
  }

  /** Whose turn it is when calls have to wait; default `normal`. */
  withPriority(priority: Priority): ServiceHandle<E, Request, Answer> {
    return this.with({ priority });
  }

  /**
   * @param limit Milliseconds for each call with all its attempts, or until when somebody waits who is
   *              waited for himself; with both the earlier holds.
   */
  withDeadline(limit: number | Deadline): ServiceHandle<E, Request, Answer> {
    if (limit instanceof Deadline) return this.with({ deadline: limit });
    return this.with({ withinMs: checkedMs(limit) });
  }

  /** The call is given up when it is aborted; what has gone out may have had its effect all the same. */
  withSignal(signal: AbortSignal): ServiceHandle<E, Request, Answer> {
    return this.with({ signal, isWatched: true });
  }

  /** Of each attempt, in milliseconds, in place of the target's. */
  withTimeout(timeoutMs: number): ServiceHandle<E, Request, Answer> {
    return this.with({ timeoutMs: checkedMs(timeoutMs) });
  }

  /** No more attempts than this, hedges not counted; 1: no retry. */
  withAttempts(attemptsMax: number): ServiceHandle<E, Request, Answer> {
    if (!(attemptsMax >= 1)) throw new RangeError('a call has at least one attempt');
    return this.with({ attemptsMax });
  }

  /** Whether carrying it out twice does no harm; without it safe methods are repeatable, and no others. */
  repeatable(isRepeatable = true): ServiceHandle<E, Request, Answer> {
    return this.with({ isRepeatable });
  }

  /** One more is sent elsewhere when the first takes long; only of calls that are repeatable. */
  withHedging(hedge: HedgeDelay | 'policy' = 'policy'): ServiceHandle<E, Request, Answer> {
    if (hedge !== 'policy') checkDelay(hedge);
    return this.with({ hedge, isWatched: true });
  }

  /** Answers are given to others too, as the very same objects: nobody changes them. */
  withCache(cache: CachePolicy<Request, Answer>): ServiceHandle<E, Request, Answer> {
    checkCachePolicy(cache);
    return this.with({ cache });
  }

  withFallback(
    value: Answer,
    when: FallbackWhen = 'any-failure',
  ): ServiceHandle<E, Request, Answer> {
    return this.with({ fallback: { kind: 'value', when, value } });
  }

  withFallbackOf(
    of: FallbackFunction<Request, Answer>,
    when: FallbackWhen = 'any-failure',
  ): ServiceHandle<E, Request, Answer> {
    return this.with({ fallback: { kind: 'function', when, of } });
  }

  /** As a dependency declares it. @param value Needed by all but `fail_fast`. */
  withFallbackStrategy(strategy: 'fail_fast'): ServiceHandle<E, Request, Answer>;
  withFallbackStrategy(
    strategy: FallbackStrategy,
    value: Answer,
  ): ServiceHandle<E, Request, Answer>;
  withFallbackStrategy(
    strategy: FallbackStrategy,
    ...[value]: readonly Answer[]
  ): ServiceHandle<E, Request, Answer> {
    switch (strategy) {
      case 'fail_fast':
        return this.with({ attemptsMax: 1, fallback: undefined });
      case 'default_response':
        return this.withFallback(value as Answer);
      case 'circuit_breaker':
        return this.withFallback(value as Answer, 'breaker-open');
    }
  }

  /** @throws {CallFailure} There is no answer, and nothing that stands in for it. */
  call(request: Request): Promise<CallResult<Answer>> {
    const { target, plan } = this;
    const { cache, fallback } = plan;
    const nowMs = target.now();
    const untilMs = untilMsOf(plan, nowMs);
    const running = cache
      ? callCached(target, plan, cache, request, untilMs, nowMs)
      : send(target, plan, request, untilMs, nowMs);
    if (!fallback) return running;
    return running.catch((failure: CallFailure) =>
      standInFor(target, fallback, request, untilMs, failure),
    );
  }

  private with(wish: Partial<CallPlan<Request, Answer>>): ServiceHandle<E, Request, Answer> {
    return new ServiceHandle(this.target, { ...this.plan, ...wish });
  }
}

function checkedMs(ms: number): number {
  if (ms > 0 && ms < Infinity) return ms;
  throw new RangeError(`a call takes a bounded time, not ${ms} ms`);
}
