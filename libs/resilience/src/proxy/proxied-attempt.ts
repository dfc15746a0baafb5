import type { CallEnding, Endpoint } from '../balancing/endpoint';
import type { Member } from '../balancing/member';
import type { CircuitBreaker } from '../breaker/circuit-breaker';
import type { Permit } from '../breaker/trial';
import type { Waiter } from '../bulkhead/bulkhead';
import type { Alarm } from '../deadline/alarm';
import { Deadline } from '../deadline/deadline';
import type { WheelEntry } from '../deadline/timer-wheel';
import { aborterFor, type AttemptContext, type GivenUp } from '../edge/attempt-context';
import type { Refusal } from '../refusal';
import {
  answered,
  failed,
  failUnsent,
  goOn,
  wentOut,
  type CallAttempt,
  type CallState,
} from './call';
import type { CallHistory } from './call-history';
import type { CallPlan } from './call-plan';
import type { CallFailure, CallResult } from './call-result';
import type { ProxyRequest } from './ports';
import { judged, type Judgement } from './judgement';
import { isOverload } from './overload';
import { elsewhere, nobody, open, passed, timedOut } from './refusals';
import type { Target } from './target';

const NOT_OUT: Permit = { generation: -1 };

/** Of attempts after the first: what comes of a call is told by that. */
const unheard = (): void => undefined;

/**
 * One attempt at a call: a place in the bulkhead, a permit of the breaker, an endpoint, and a time by
 * which there has to be an answer; all given back exactly once. The first one is the call itself, and its
 * own place in the wheel: a call makes as few objects as it can.
 */
export class ProxiedAttempt<E extends Endpoint, Request extends ProxyRequest, Answer>
  implements WheelEntry, AttemptContext, Waiter, CallAttempt, CallState<E, Request, Answer>
{
  next: WheelEntry | undefined = undefined;
  previous: WheelEntry | undefined = undefined;
  wakesAtMs: number | undefined = undefined;
  history: CallHistory | undefined = undefined;
  hedgeAlarm: Alarm | undefined = undefined;
  leaveLine: (() => void) | undefined = undefined;
  resolve: (result: CallResult<Answer>) => void = unheard;
  reject: (failure: CallFailure) => void = unheard;
  isOver = false;
  /** Itself, if it is the first. */
  private readonly call: ProxiedAttempt<E, Request, Answer>;
  private aborter: AbortController | undefined = undefined;
  private reason: Refusal | undefined = undefined;
  private listener: GivenUp | undefined = undefined;
  /** Undefined: it is not out. */
  private member: Member<E> | undefined = undefined;
  private breaker: CircuitBreaker | undefined = undefined;
  private permit = NOT_OUT;
  /** Undefined: it was not sent. */
  private beganMs: number | undefined = undefined;
  private isTimed = true;

  /** @param first Undefined: this one is it. */
  constructor(
    readonly target: Target<E, Request, Answer>,
    readonly plan: CallPlan<Request, Answer>,
    readonly request: Request,
    readonly untilMs: number,
    first: ProxiedAttempt<E, Request, Answer> | undefined,
    readonly number: number,
    readonly isHedge: boolean,
  ) {
    this.call = first ?? this;
  }

  get deadline(): Deadline {
    return Deadline.at(this.dueMsFrom(this.beganMs ?? 0));
  }

  get signal(): AbortSignal {
    return (this.aborter ??= aborterFor(this.reason)).signal;
  }

  onGivenUp(listener: GivenUp): void {
    this.listener = listener;
    if (this.reason !== undefined) listener(this.reason);
  }

  another(number: number, isHedge: boolean): ProxiedAttempt<E, Request, Answer> {
    const { target, plan, request, untilMs, call } = this;
    return new ProxiedAttempt(target, plan, request, untilMs, call, number, isHedge);
  }

  begin(nowMs: number): void {
    const { target, untilMs } = this;
    try {
      target.refresh(nowMs);
    } catch (fault) {
      return failUnsent(this.call, fault);
    }
    if (untilMs <= nowMs) return this.refused(passed());
    if (target.bulkhead.tryEnter()) this.depart(nowMs);
    else this.wait(nowMs);
  }

  private wait(nowMs: number): void {
    const { target, plan, request, untilMs } = this;
    const breaker = target.breakerFor(request, nowMs);
    // What would be refused when its turn has come does not wait for it.
    if (breaker.waitMs(nowMs) > 0 && !breaker.tryTake(nowMs))
      return this.refused(open(breaker.waitMs(nowMs)));
    this.call.leaveLine = target.bulkhead.wait(this, plan.priority, untilMs, nowMs);
  }

  go(): void {
    // Given up while it waited for its place.
    if (this.call.isOver) this.target.bulkhead.leave();
    else this.depart(this.target.now());
  }

  refused(refusal: Refusal): void {
    const { target } = this;
    if (this.call.isOver) return;
    target.counts.refused++;
    goOn(this.call, this.number, refusal);
    target.parts.tell({ kind: 'refused', target: target.name, code: refusal.code });
  }

  depart(nowMs: number): void {
    const { target, plan, call } = this;
    const dueMs = this.dueMsFrom(nowMs);
    if (dueMs <= nowMs) return this.turnBack(passed());
    const breaker = target.breakerFor(this.request, nowMs);
    const permit = breaker.tryTake(nowMs);
    if (permit === undefined) return this.refuseOpen(breaker, nowMs);
    const tried = call.history === undefined ? undefined : call.history.tried;
    const member = target.balancer.take(nowMs, plan.session, tried);
    if (member === undefined) return this.refuseNobody(breaker, permit);
    this.breaker = breaker;
    this.permit = permit;
    this.member = member;
    if (this === call) target.retrier.budget?.called();
    else if (this.isHedge && !this.isWorthwhile(member.endpoint.id, nowMs))
      return this.giveBack('abandoned', nowMs);
    this.beganMs = nowMs;
    target.timeOuts.add(this, dueMs);
    // Reading the clock is dear: what nobody times is counted as of its beginning.
    this.isTimed =
      target.isTimingAll ||
      plan.hedge !== undefined ||
      (target.isTimingSome && member.isToBeTimed(nowMs));
    if (this !== call || plan.isWatched) wentOut(call, this, member.endpoint.id, nowMs);
    this.send(member.endpoint);
  }

  expire(): void {
    const failure = timedOut();
    this.failed(failure);
    this.giveUp(failure);
  }

  abandon(): void {
    if (!this.member) return;
    this.target.timeOuts.remove(this);
    // It says nothing about the target: another one may try.
    this.breaker?.giveBack(this.permit);
    this.giveBack('abandoned', this.target.now());
    this.giveUp(elsewhere());
  }

  private dueMsFrom(nowMs: number): number {
    return Math.min(this.untilMs, nowMs + this.ownMs);
  }

  /** What an attempt may take as long as nobody is in a hurry. */
  private get ownMs(): number {
    return this.plan.timeoutMs ?? this.target.policy.timeoutMs;
  }

  /**
   * Whoever asked had less time than an attempt has, or a call of this handle, and that is over: it says nothing
   * about the target. The target is told the rest in whole milliseconds, and may give up one sooner.
   */
  private isCutShort(nowMs: number, beganMs: number): boolean {
    const { plan, untilMs } = this;
    const fullMs = Math.min(this.ownMs, plan.withinMs ?? Number.POSITIVE_INFINITY);
    return nowMs > untilMs - 1 && untilMs < beganMs + fullMs;
  }

  /** Whoever listens hears of it, now or when asking. */
  private giveUp(reason: Refusal): void {
    this.reason = reason;
    this.aborter?.abort(reason);
    this.listener?.(reason);
  }

  private send(endpoint: E): void {
    try {
      this.target.parts
        .transport(endpoint, this.request, this)
        .then(this.answered.bind(this), this.failed.bind(this));
    } catch (failure) {
      this.failed(failure);
    }
  }

  private answered(answer: Answer): void {
    const { member, breaker, target, beganMs } = this;
    if (!member || !breaker || beganMs === undefined) return;
    const { id } = member.endpoint;
    target.timeOuts.remove(this);
    if (breaker.isTiming) this.isTimed = true;
    const nowMs = this.isTimed ? target.now() : beganMs;
    breaker.came(this.permit, true, nowMs, nowMs - beganMs);
    target.limit?.answered(nowMs - beganMs, target.bulkhead.underWay, nowMs);
    this.giveBack('ok', nowMs);
    answered(this.call, this, answer, id);
  }

  private failed(failure: unknown): void {
    const { member, breaker, target, beganMs } = this;
    if (!member || !breaker || beganMs === undefined) return;
    const { isFault, retry } = target.policy;
    target.timeOuts.remove(this);
    this.isTimed = true;
    const nowMs = target.now();
    const judgement = judged(failure, isFault, retry.classify, this.isCutShort(nowMs, beganMs));
    if (judgement.isEvidence) this.count(judgement, breaker, nowMs, nowMs - beganMs);
    else breaker.giveBack(this.permit);
    this.giveBack(endingOf(judgement), nowMs);
    failed(this.call, this, judgement, member.endpoint.id);
  }

  private count(
    { isFault, failure }: Judgement,
    breaker: CircuitBreaker,
    nowMs: number,
    tookMs: number,
  ): void {
    const { limit, bulkhead } = this.target;
    breaker.came(this.permit, !isFault, nowMs, tookMs);
    if (limit && isOverload(failure)) limit.dropped(bulkhead.underWay, nowMs);
  }

  private giveBack(ending: CallEnding, nowMs: number): void {
    const { member, target, isTimed, beganMs } = this;
    if (!member) return;
    this.member = undefined;
    const tookMs = beganMs === undefined ? 0 : nowMs - beganMs;
    target.balancer.ended(member, ending, isTimed || ending !== 'ok' ? tookMs : undefined, nowMs);
    // What was given up on took at least so long: without it the slow ones would seem never to have been.
    if (this.plan.hedge !== undefined && beganMs !== undefined) target.hedging.saw(tookMs);
    target.bulkhead.leave();
  }

  private isWorthwhile(endpointId: string, nowMs: number): boolean {
    const { call, target } = this;
    if (call.history?.tried.includes(endpointId)) return false;
    return target.hedging.tryTake(nowMs);
  }

  private refuseOpen(breaker: CircuitBreaker, nowMs: number): void {
    this.turnBack(open(breaker.waitMs(nowMs)));
  }

  private refuseNobody(breaker: CircuitBreaker, permit: Permit): void {
    breaker.giveBack(permit);
    this.turnBack(nobody());
  }

  /** It has a place, and is not sent. A hedge that is not sent is missed by nobody. */
  private turnBack(refusal: Refusal): void {
    this.target.bulkhead.leave();
    if (!this.isHedge) this.refused(refusal);
  }
}

function endingOf({ isEvidence, isFault }: Judgement): CallEnding {
  if (!isEvidence) return 'abandoned';
  return isFault ? 'failed' : 'ok';
}
