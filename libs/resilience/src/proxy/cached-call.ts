import type { Endpoint } from '../balancing/endpoint';
import type { CachePolicy } from '../caching/cache-policy';
import type { Flight } from '../caching/flights';
import { within } from '../deadline/within';
import { untilAborted } from './abortable';
import { cacheKeyOf } from './cache-key';
import type { CallPlan } from './call-plan';
import { CallFailure, CallResult, type Kept } from './call-result';
import type { ProxyRequest } from './ports';
import { aborted, passed } from './refusals';
import { send } from './send';
import type { Target } from './target';

/** There is nothing, and there will be nothing for a while. @see RFC 9110, 15.5. */
const NOTHING: ReadonlySet<number | undefined> = new Set([404, 410]);

/**
 * An answer from the cache, or of the one call that is under way for its key, or of one that begins
 * now; each caller waits for it as long as its own deadline says. When that fails, an answer that is
 * not too old stands in.
 */
export function callCached<E extends Endpoint, Request extends ProxyRequest, Answer>(
  target: Target<E, Request, Answer>,
  plan: CallPlan<Request, Answer>,
  policy: CachePolicy<Request, Answer>,
  request: Request,
  untilMs: number,
  nowMs: number,
): Promise<CallResult<Answer>> {
  const key = cacheKeyOf(target.name, plan.session, policy, request);
  if (key === undefined) return send(target, plan, request, untilMs, nowMs);
  const { cache, ports } = target.parts;
  const entry = cache.get(key);
  if (entry && nowMs < entry.freshUntilMs) return givenAgain(target, entry.value);
  // Others may wait for it who have not given up.
  const lasting = plan.signal === undefined ? plan : { ...plan, signal: undefined };
  const flight =
    cache.flights.find(key) ?? fly(target, lasting, policy, request, key, untilMs, nowMs);
  const late = () => new CallFailure(target.name, 'unknown', false, 0, passed());
  const landing = within(flight.landing, untilMs, ports.timeOuts, late);
  const given = givenUp(target.name);
  const awaited = plan.signal === undefined ? landing : untilAborted(landing, plan.signal, given);
  return awaited.then(
    (landed) => (landed instanceof CallResult ? landed : standIn(target, key, landed)),
    (failure: unknown) => standIn(target, key, failure),
  );
}

const givenUp = (name: string) => () => new CallFailure(name, 'unknown', false, 0, aborted());

function givenAgain<E extends Endpoint, Request extends ProxyRequest, Answer>(
  target: Target<E, Request, Answer>,
  kept: Kept<Answer>,
): Promise<CallResult<Answer>> {
  target.counts.cached++;
  return kept instanceof CallFailure
    ? Promise.reject(kept)
    : Promise.resolve(new CallResult(kept.answer, 'cache', kept.endpointId, 0, undefined));
}

/** The call for all who ask meanwhile: it lasts as long as the first of them waits, and at least as any attempt may. */
function fly<E extends Endpoint, Request extends ProxyRequest, Answer>(
  target: Target<E, Request, Answer>,
  plan: CallPlan<Request, Answer>,
  policy: CachePolicy<Request, Answer>,
  request: Request,
  key: string,
  untilMs: number,
  nowMs: number,
): Flight<Kept<Answer>> {
  const { cache } = target.parts;
  const { tags = [] } = policy;
  const ownTags = typeof tags === 'function' ? tags(request) : tags;
  const lastsMs = Math.max(untilMs, nowMs + target.policy.timeoutMs);
  return cache.flights.begin(
    key,
    ownTags,
    () => send(target, plan, request, lastsMs, nowMs).catch(asKept),
    (flight, kept) => {
      const ttlMs = ttlOf(policy, kept);
      if (flight.isOutdated || ttlMs === undefined) return;
      const freshUntilMs = target.now() + ttlMs;
      const staleUntilMs = freshUntilMs + (policy.staleIfErrorMs ?? 0);
      cache.set(key, { value: kept, freshUntilMs, staleUntilMs, tags: ownTags });
    },
  );
}

function standIn<E extends Endpoint, Request extends ProxyRequest, Answer>(
  target: Target<E, Request, Answer>,
  key: string,
  failure: unknown,
): CallResult<Answer> {
  if (!(failure instanceof CallFailure) || failure.isAnswer) throw failure;
  if (failure.code === 'resilience/aborted') throw failure;
  const entry = target.parts.cache.get(key);
  const isUsable = entry && target.now() < entry.staleUntilMs;
  if (!isUsable || !(entry.value instanceof CallResult)) throw failure;
  target.counts.stale++;
  target.parts.tell({ kind: 'stood-in', target: target.name, by: 'stale', failure });
  return new CallResult(entry.value.answer, 'stale', entry.value.endpointId, 0, failure);
}

/** How long it is to be kept; undefined: not at all. */
function ttlOf<Request, Answer>(
  policy: CachePolicy<Request, Answer>,
  kept: Kept<Answer>,
): number | undefined {
  const { ttlMs, negativeTtlMs = 0, staleIfErrorMs = 0 } = policy;
  const isNothing =
    policy.isNegative ?? ((answer: Answer) => answer === undefined || answer === null);
  if (kept instanceof CallFailure)
    return kept.isAnswer && NOTHING.has(kept.status) && negativeTtlMs > 0
      ? negativeTtlMs
      : undefined;
  if (isNothing(kept.answer)) return negativeTtlMs > 0 ? negativeTtlMs : undefined;
  return ttlMs + staleIfErrorMs > 0 ? ttlMs : undefined;
}

function asKept(failure: unknown): CallFailure {
  if (failure instanceof CallFailure) return failure;
  throw failure;
}
