import type { Endpoint } from '../balancing/endpoint';
import { Alarm } from '../deadline/alarm';
import { Deadline } from '../deadline/deadline';
import { CallHistory, type OutAttempt } from './call-history';
import { isSafe, type CallPlan } from './call-plan';
import { CallFailure, CallResult } from './call-result';
import type { Judgement } from './judgement';
import type { ProxyRequest } from './ports';
import { aborted } from './refusals';
import type { Target } from './target';

/** An attempt as its call knows it. */
export interface CallAttempt extends OutAttempt {
  /** 1 for the first. */
  readonly number: number;
  readonly isHedge: boolean;
  /** Waits for its place, if it must. */
  begin(nowMs: number): void;
  /** It has its place. */
  depart(nowMs: number): void;
}

/**
 * One call with all its attempts. Its first attempt is the object: nearly always there is no other, and
 * one object costs less than two.
 */
export interface CallState<E extends Endpoint, Request extends ProxyRequest, Answer> {
  readonly target: Target<E, Request, Answer>;
  readonly plan: CallPlan<Request, Answer>;
  readonly request: Request;
  /** When its caller does not wait any more; Infinity: as long as it takes. */
  readonly untilMs: number;
  readonly resolve: (result: CallResult<Answer>) => void;
  readonly reject: (failure: CallFailure) => void;
  /** Undefined: there is no more to know than its first attempt. */
  history: CallHistory | undefined;
  hedgeAlarm: Alarm | undefined;
  /** Of the attempt that waited last for a place; nothing happens when it does not any more. */
  leaveLine: (() => void) | undefined;
  isOver: boolean;
  /** One more of its attempts. */
  another(number: number, isHedge: boolean): CallAttempt;
}

/** An attempt was given to an endpoint; is not asked for first ones of calls without wishes. */
export function wentOut<E extends Endpoint, Request extends ProxyRequest, Answer>(
  call: CallState<E, Request, Answer>,
  attempt: CallAttempt,
  endpointId: string,
  nowMs: number,
): void {
  const { plan, target } = call;
  if (plan.isWatched) call.history ??= new CallHistory();
  call.history?.wentOut(attempt, endpointId);
  if (attempt.number > 1 && !attempt.isHedge) target.counts.retries++;
  if (attempt.isHedge) hedged(call, endpointId);
  else if (plan.hedge !== undefined) prepareHedge(call, attempt.number, nowMs);
}

export function answered<E extends Endpoint, Request extends ProxyRequest, Answer>(
  call: CallState<E, Request, Answer>,
  attempt: CallAttempt,
  answer: Answer,
  endpointId: string,
): void {
  call.isOver = true;
  const { history, target } = call;
  if (history !== undefined) {
    history.cameBack(attempt);
    end(call, history);
  }
  target.counts.ok++;
  const attempts = history === undefined ? 1 : history.attempts;
  call.resolve(new CallResult(answer, 'target', endpointId, attempts, undefined));
}

/** An attempt that went out had no answer, or one that is none. */
export function failed<E extends Endpoint, Request extends ProxyRequest, Answer>(
  call: CallState<E, Request, Answer>,
  attempt: CallAttempt,
  { failure, isFault, isEvidence, verdict }: Judgement,
  endpointId: string,
): void {
  const { parts, name } = call.target;
  const history = (call.history ??= new CallHistory());
  if (history.attempts === 0) history.wentOut(attempt, endpointId);
  history.cameBack(attempt);
  history.failed(failure, verdict === 'unknown');
  if (isEvidence && !isFault && verdict === 'final') fail(call, failure, true);
  else goOn(call, attempt.number, failure);
  parts.tell({ kind: 'attempt-failed', target: name, endpointId, failure });
}

/** Its caller does not want it any more. */
export function abort<E extends Endpoint, Request extends ProxyRequest, Answer>(
  call: CallState<E, Request, Answer>,
): void {
  if (call.isOver) return;
  call.leaveLine?.();
  const refusal = aborted();
  if (call.history?.isOneOut) call.history.failed(refusal, true);
  fail(call, refusal, false);
}

/** Nobody knows whom to ask: asking again would end the same. */
export function failUnsent<E extends Endpoint, Request extends ProxyRequest, Answer>(
  call: CallState<E, Request, Answer>,
  fault: unknown,
): void {
  fail(call, fault, false);
}

/** After an attempt that failed or was not sent: the next one, unless one is out or none may follow. */
export function goOn<E extends Endpoint, Request extends ProxyRequest, Answer>(
  call: CallState<E, Request, Answer>,
  number: number,
  failure: unknown,
): void {
  if (call.isOver || call.history?.isOneOut) return;
  removeAlarm(call);
  if (number >= call.plan.attemptsMax) return fail(call, failure, false);
  const { target, plan, request, untilMs } = call;
  const isRepeatable = mayRepeat(plan, request);
  target.retrier
    .mayGoOn(number, failure, { deadline: Deadline.at(untilMs), isRepeatable })
    .then((mayGoOn) => {
      if (mayGoOn && !call.isOver) call.another(number + 1, false).begin(target.now());
      else fail(call, failure, false);
    })
    .catch((fault: unknown) => fail(call, fault, false));
}

const mayRepeat = (
  { isRepeatable }: { readonly isRepeatable: boolean | undefined },
  { method }: ProxyRequest,
): boolean => isRepeatable ?? isSafe(method);

function prepareHedge<E extends Endpoint, Request extends ProxyRequest, Answer>(
  call: CallState<E, Request, Answer>,
  number: number,
  nowMs: number,
): void {
  const { target, plan, request } = call;
  if (plan.hedge === undefined || !mayRepeat(plan, request)) return;
  if (number === 1) target.hedging.called();
  const delayMs = target.hedging.delayMs(plan.hedge);
  if (delayMs === undefined || nowMs + delayMs >= call.untilMs) return;
  call.hedgeAlarm = new Alarm(() => hedge(call, number));
  target.timeOuts.add(call.hedgeAlarm, nowMs + delayMs);
}

function hedge<E extends Endpoint, Request extends ProxyRequest, Answer>(
  call: CallState<E, Request, Answer>,
  number: number,
): void {
  const { target, request } = call;
  if (call.isOver || !call.history?.isOneOut) return;
  const nowMs = target.now();
  // A target that is being tried out gets no more calls than it asked for.
  if (target.breakerFor(request, nowMs).name !== 'closed') return;
  if (target.hedging.hasBudget(nowMs) && target.bulkhead.tryEnter())
    call.another(number, true).depart(nowMs);
}

function hedged<E extends Endpoint, Request extends ProxyRequest, Answer>(
  { target: { counts, parts, name } }: CallState<E, Request, Answer>,
  endpointId: string,
): void {
  counts.hedges++;
  parts.tell({ kind: 'hedged', target: name, endpointId });
}

function end<E extends Endpoint, Request extends ProxyRequest, Answer>(
  call: CallState<E, Request, Answer>,
  history: CallHistory,
): void {
  removeAlarm(call);
  if (history.isOneOut) history.abandonOthers();
}

function removeAlarm<E extends Endpoint, Request extends ProxyRequest, Answer>({
  target,
  hedgeAlarm,
}: CallState<E, Request, Answer>): void {
  if (hedgeAlarm) target.timeOuts.remove(hedgeAlarm);
}

function fail<E extends Endpoint, Request extends ProxyRequest, Answer>(
  call: CallState<E, Request, Answer>,
  failure: unknown,
  isAnswer: boolean,
): void {
  if (call.isOver) return;
  call.isOver = true;
  const { target, history } = call;
  if (history) end(call, history);
  const outcome = history?.isUnknown ? 'unknown' : 'failed';
  target.counts[outcome]++;
  const cause = history ? history.failureOr(failure) : failure;
  const told = new CallFailure(target.name, outcome, isAnswer, history?.attempts ?? 0, cause);
  call.reject(told);
  target.parts.tell({ kind: 'failed', target: target.name, failure: told });
}
