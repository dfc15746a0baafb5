import type { CallEnding, Endpoint } from '../balancing/endpoint';
import type { Member } from '../balancing/member';
import type { CircuitBreaker } from '../breaker/circuit-breaker';
import type { Permit } from '../breaker/trial';
import type { Waiter } from '../bulkhead/bulkhead';
import { Deadline } from '../deadline/deadline';
import type { WheelEntry } from '../deadline/timer-wheel';
import { aborterFor, type AttemptContext } from '../edge/attempt-context';
import type { Refusal } from '../refusal';
import type { OutAttempt } from './call-history';
import type { CallPlan } from './call-plan';
import type { ProxyRequest } from './ports';
import { judged, type Judgement } from './judgement';
import { isOverload } from './overload';
import { elsewhere, nobody, open, passed, timedOut } from './refusals';
import type { Target } from './target';

/** The call as its attempts know it. */
export interface AttemptedCall<E extends Endpoint, Request extends ProxyRequest, Answer> {
  readonly target: Target<E, Request, Answer>;
  readonly plan: CallPlan<Request, Answer>;
  readonly request: Request;
  /** When its caller does not wait any more; Infinity: as long as it takes. */
  readonly untilMs: number;
  /** Endpoints that a further attempt keeps away from while there are others. */
  readonly tried: readonly string[] | undefined;
  wentOut(attempt: ProxiedAttempt<E, Request, Answer>, endpointId: string, nowMs: number): void;
  answered(attempt: ProxiedAttempt<E, Request, Answer>, answer: Answer, endpointId: string): void;
  /** An attempt that went out had no answer, or one that is none. */
  failed(
    attempt: ProxiedAttempt<E, Request, Answer>,
    judgement: Judgement,
    endpointId: string,
  ): void;
  /** After an attempt that failed or was not sent: the next one, unless one is out or none may follow. */
  goOn(number: number, failure: unknown): void;
}

const NOT_OUT: Permit = { generation: -1 };

/**
 * One attempt at a call: a place in the bulkhead, a permit of the breaker, an endpoint, and a time by
 * which there has to be an answer; all given back exactly once.
 */
export class ProxiedAttempt<E extends Endpoint, Request extends ProxyRequest, Answer>
  implements WheelEntry, AttemptContext, Waiter, OutAttempt
{
  // Of its own and not inherited: a constructor that calls others costs more than all that they do.
  next: WheelEntry | undefined;
  previous: WheelEntry | undefined;
  dueTick: number | undefined;
  private aborter: AbortController | undefined;
  private reason: Refusal | undefined;
  /** Undefined: it is not out. */
  private member: Member<E> | undefined;
  private breaker: CircuitBreaker | undefined;
  private permit = NOT_OUT;
  /** Below 0: it was not sent. */
  private beganMs = -1;
  private isTimed = true;

  constructor(
    private readonly call: AttemptedCall<E, Request, Answer>,
    readonly number: number,
    readonly isHedge: boolean,
  ) {}

  get deadline(): Deadline {
    return Deadline.at(this.dueMsFrom(this.beganMs));
  }

  get signal(): AbortSignal {
    return (this.aborter ??= aborterFor(this.reason)).signal;
  }

  begin(nowMs: number): void {
    const { target, plan, request, untilMs } = this.call;
    target.refresh(nowMs);
    if (untilMs <= nowMs) return this.refused(passed());
    if (target.bulkhead.tryEnter()) return this.depart(nowMs);
    const breaker = target.breakerFor(request, nowMs);
    // What would be refused when its turn has come does not wait for it.
    if (breaker.waitMs(nowMs) > 0 && !breaker.tryTake(nowMs))
      return this.refused(open(breaker.waitMs(nowMs)));
    target.bulkhead.wait(this, plan.priority, untilMs, nowMs);
  }

  go(): void {
    this.depart(this.call.target.now());
  }

  refused(refusal: Refusal): void {
    const { target } = this.call;
    target.counts.refused++;
    this.call.goOn(this.number, refusal);
    target.parts.tell({ kind: 'refused', target: target.name, code: refusal.code });
  }

  /** It has its place in the bulkhead. */
  depart(nowMs: number): void {
    const { call } = this;
    const { target, plan } = call;
    const dueMs = this.dueMsFrom(nowMs);
    if (dueMs <= nowMs) return this.turnBack(passed());
    const breaker = target.breakerFor(call.request, nowMs);
    const permit = breaker.tryTake(nowMs);
    if (permit === undefined) return this.turnBack(open(breaker.waitMs(nowMs)));
    const member = target.balancer.take(nowMs, plan.session, call.tried);
    if (member === undefined) {
      breaker.giveBack(permit);
      return this.turnBack(nobody());
    }
    this.breaker = breaker;
    this.permit = permit;
    this.member = member;
    const { endpoint } = member;
    if (this.isHedge && !this.isWorthwhile(endpoint.id, nowMs)) {
      this.giveBack('abandoned', nowMs);
      return;
    }
    if (this.number === 1 && !this.isHedge) target.retrier.budget?.called();
    this.beganMs = nowMs;
    target.timeOuts.add(this, dueMs, nowMs);
    // Reading the clock is dear: what nobody times is counted as of its beginning.
    this.isTimed =
      target.isTimingAll ||
      plan.hedge !== undefined ||
      (target.isTimingSome && member.isToBeTimed(nowMs));
    call.wentOut(this, endpoint.id, nowMs);
    this.send(endpoint);
  }

  expire(): void {
    const failure = timedOut();
    this.failed(failure);
    this.giveUp(failure);
  }

  abandon(): void {
    if (!this.member) return;
    this.call.target.timeOuts.remove(this);
    this.giveBack('abandoned', this.call.target.now());
    this.giveUp(elsewhere());
  }

  private dueMsFrom(nowMs: number): number {
    const { target, plan, untilMs } = this.call;
    return Math.min(untilMs, nowMs + (plan.timeoutMs ?? target.policy.timeoutMs));
  }

  /** Whoever listens hears of it, now or when asking. */
  private giveUp(reason: Refusal): void {
    this.reason = reason;
    this.aborter?.abort(reason);
  }

  private send(endpoint: E): void {
    const { target, request } = this.call;
    try {
      target.parts.transport(endpoint, request, this).then(
        (answer) => this.answered(answer),
        (failure: unknown) => this.failed(failure),
      );
    } catch (failure) {
      this.failed(failure);
    }
  }

  private answered(answer: Answer): void {
    const { member, breaker, call } = this;
    if (!member || !breaker) return;
    const { id } = member.endpoint;
    const { target } = call;
    target.timeOuts.remove(this);
    if (breaker.isTiming) this.isTimed = true;
    const nowMs = this.isTimed ? target.now() : this.beganMs;
    breaker.came(this.permit, true, nowMs, nowMs - this.beganMs);
    target.limit?.answered(nowMs - this.beganMs, target.bulkhead.underWay, nowMs);
    this.giveBack('ok', nowMs);
    call.answered(this, answer, id);
  }

  private failed(failure: unknown): void {
    const { member, breaker, call } = this;
    if (!member || !breaker) return;
    const { target } = call;
    const { isFault, retry } = target.policy;
    const judgement = judged(failure, isFault, retry.classify);
    target.timeOuts.remove(this);
    this.isTimed = true;
    const nowMs = target.now();
    breaker.came(this.permit, !judgement.isFault, nowMs, nowMs - this.beganMs);
    if (target.limit && isOverload(failure)) target.limit.dropped(target.bulkhead.underWay, nowMs);
    this.giveBack(judgement.isFault ? 'failed' : 'ok', nowMs);
    call.failed(this, judgement, member.endpoint.id);
  }

  private giveBack(ending: CallEnding, nowMs: number): void {
    const { member, call, isTimed } = this;
    if (!member) return;
    this.member = undefined;
    const { balancer, bulkhead, hedging } = call.target;
    const tookMs = this.beganMs < 0 ? 0 : nowMs - this.beganMs;
    balancer.ended(member, ending, isTimed || ending !== 'ok' ? tookMs : undefined, nowMs);
    // What was given up on took at least so long: without it the slow ones would seem never to have been.
    if (call.plan.hedge !== undefined && this.beganMs >= 0) hedging.saw(tookMs);
    bulkhead.leave();
  }

  private isWorthwhile(endpointId: string, nowMs: number): boolean {
    const { tried, target } = this.call;
    if (tried?.includes(endpointId)) return false;
    return target.hedging.tryTake(nowMs);
  }

  /** It has a place, and is not sent. A hedge that is not sent is missed by nobody. */
  private turnBack(refusal: Refusal): void {
    this.call.target.bulkhead.leave();
    if (!this.isHedge) this.refused(refusal);
  }
}
