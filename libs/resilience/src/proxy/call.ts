import type { Endpoint } from '../balancing/endpoint';
import { Alarm } from '../deadline/alarm';
import { Deadline } from '../deadline/deadline';
import { CallHistory } from './call-history';
import { isSafe, type CallPlan } from './call-plan';
import { CallFailure, CallResult } from './call-result';
import type { Judgement } from './judgement';
import type { ProxyRequest } from './ports';
import { ProxiedAttempt, type AttemptedCall } from './proxied-attempt';
import type { Target } from './target';

/** One call with all its attempts: retried elsewhere, hedged, and ended once. */
export class Call<
  E extends Endpoint,
  Request extends ProxyRequest,
  Answer,
> implements AttemptedCall<E, Request, Answer> {
  private history: CallHistory | undefined;
  private hedgeAlarm: Alarm | undefined;
  private isOver = false;

  constructor(
    readonly target: Target<E, Request, Answer>,
    readonly plan: CallPlan<Request, Answer>,
    readonly request: Request,
    readonly untilMs: number,
    private readonly resolve: (result: CallResult<Answer>) => void,
    private readonly reject: (failure: CallFailure) => void,
  ) {}

  get tried(): readonly string[] | undefined {
    return this.history?.tried;
  }

  begin(nowMs: number): void {
    this.target.counts.calls++;
    new ProxiedAttempt(this, 1, false).begin(nowMs);
  }

  wentOut(attempt: ProxiedAttempt<E, Request, Answer>, endpointId: string, nowMs: number): void {
    if (this.plan.hedge !== undefined) this.history ??= new CallHistory();
    this.history?.wentOut(attempt, endpointId);
    if (attempt.number > 1 && !attempt.isHedge) this.target.counts.retries++;
    if (attempt.isHedge) this.hedged(endpointId);
    else if (this.plan.hedge !== undefined) this.prepareHedge(attempt.number, nowMs);
  }

  answered(attempt: ProxiedAttempt<E, Request, Answer>, answer: Answer, endpointId: string): void {
    this.isOver = true;
    const { history } = this;
    if (history) {
      history.cameBack(attempt);
      this.end(history);
    }
    this.target.counts.ok++;
    const attempts = history?.attempts ?? 1;
    this.resolve(new CallResult(answer, 'target', endpointId, attempts, undefined));
  }

  failed(
    attempt: ProxiedAttempt<E, Request, Answer>,
    { failure, isFault, verdict }: Judgement,
    endpointId: string,
  ): void {
    const { parts, name } = this.target;
    const history = (this.history ??= new CallHistory());
    if (history.attempts === 0) history.wentOut(attempt, endpointId);
    history.cameBack(attempt);
    history.failed(failure, verdict === 'unknown');
    if (!isFault && verdict === 'final') this.fail(failure, true);
    else this.goOn(attempt.number, failure);
    parts.tell({ kind: 'attempt-failed', target: name, endpointId, failure });
  }

  goOn(number: number, failure: unknown): void {
    if (this.isOver || this.history?.isOneOut) return;
    this.removeAlarm();
    if (number >= this.plan.attemptsMax) return this.fail(failure, false);
    const { target, untilMs, isRepeatable } = this;
    target.retrier
      .mayGoOn(number, failure, { deadline: Deadline.at(untilMs), isRepeatable })
      .then((mayGoOn) => {
        if (mayGoOn) new ProxiedAttempt(this, number + 1, false).begin(target.now());
        else this.fail(failure, false);
      })
      .catch((fault: unknown) => this.fail(fault, false));
  }

  private get isRepeatable(): boolean {
    return this.plan.isRepeatable ?? isSafe(this.request.method);
  }

  private prepareHedge(number: number, nowMs: number): void {
    const { target, plan } = this;
    if (plan.hedge === undefined || !this.isRepeatable) return;
    if (number === 1) target.hedging.called();
    const delayMs = target.hedging.delayMs(plan.hedge);
    if (delayMs === undefined || nowMs + delayMs >= this.untilMs) return;
    this.hedgeAlarm = new Alarm(() => this.hedge(number));
    target.timeOuts.add(this.hedgeAlarm, nowMs + delayMs, nowMs);
  }

  private hedge(number: number): void {
    const { target, request } = this;
    if (this.isOver || !this.history?.isOneOut) return;
    const nowMs = target.now();
    // A target that is being tried out gets no more calls than it asked for.
    if (target.breakerFor(request, nowMs).name !== 'closed') return;
    if (target.hedging.hasBudget(nowMs) && target.bulkhead.tryEnter())
      new ProxiedAttempt(this, number, true).depart(nowMs);
  }

  private hedged(endpointId: string): void {
    const { counts, parts, name } = this.target;
    counts.hedges++;
    parts.tell({ kind: 'hedged', target: name, endpointId });
  }

  private end(history: CallHistory): void {
    this.removeAlarm();
    if (history.isOneOut) history.abandonOthers();
  }

  private removeAlarm(): void {
    if (this.hedgeAlarm) this.target.timeOuts.remove(this.hedgeAlarm);
  }

  private fail(failure: unknown, isAnswer: boolean): void {
    if (this.isOver) return;
    this.isOver = true;
    const { target, history } = this;
    if (history) this.end(history);
    const outcome = history?.isUnknown ? 'unknown' : 'failed';
    target.counts[outcome]++;
    const cause = history ? history.failureOr(failure) : failure;
    const told = new CallFailure(target.name, outcome, isAnswer, history?.attempts ?? 0, cause);
    this.reject(told);
    target.parts.tell({ kind: 'failed', target: target.name, failure: told });
  }
}
