import type { CircuitBreaker } from '../breaker/circuit-breaker';
import type { Permit } from '../breaker/trial';
import { Deadline } from '../deadline/deadline';
import { WheelEntry } from '../deadline/timer-wheel';
import { Refusal } from '../refusal';
import type { Retrier, RetryOptions } from '../retry/retrier';
import type { TimeOuts } from './time-outs';

/** What an operation is told about the attempt it is. */
export interface AttemptContext {
  /** 1 for the first. */
  readonly number: number;
  /** Until when there has to be an answer; what is left of it goes out as a header. */
  readonly deadline: Deadline;
  /** Aborted when the attempt has taken too long. Made when it is asked for: most never are. */
  readonly signal: AbortSignal;
}

export type Guarded<Result> = (context: AttemptContext) => Promise<Result>;

/** What all calls of a guard share. */
export interface GuardParts {
  readonly breaker: CircuitBreaker;
  readonly retrier: Retrier;
  readonly timeOuts: TimeOuts;
  readonly timeoutMs: number;
  readonly isFault: (failure: unknown) => boolean;
}

const NOT_GONE: Permit = { generation: -1 };

/** One attempt at a call, in one object with its place in the wheel: there is one for each call. */
export class Attempt<Result> extends WheelEntry implements AttemptContext {
  private aborter: AbortController | undefined;
  private permit = NOT_GONE;
  private beganMs = 0;
  private dueMs = 0;
  private isAwaited = true;
  private hasTimedOut = false;

  constructor(
    private readonly parts: GuardParts,
    readonly number: number,
    private readonly operation: Guarded<Result>,
    private readonly options: RetryOptions,
    private readonly resolve: (result: Result) => void,
    private readonly reject: (failure: unknown) => void,
  ) {
    super();
  }

  get deadline(): Deadline {
    return Deadline.at(this.dueMs);
  }

  get signal(): AbortSignal {
    this.aborter ??= new AbortController();
    if (this.hasTimedOut) this.aborter.abort(timedOut());
    return this.aborter.signal;
  }

  begin(): void {
    const { breaker, timeOuts, retrier, timeoutMs } = this.parts;
    const nowMs = retrier.ports.now();
    const { deadline } = this.options;
    const dueMs = deadline ? Math.min(deadline.atMs, nowMs + timeoutMs) : nowMs + timeoutMs;
    if (dueMs <= nowMs) return this.goOn(passed());
    const permit = breaker.tryTake(nowMs);
    if (!permit) return this.goOn(open(breaker.waitMs(nowMs)));
    this.permit = permit;
    this.beganMs = nowMs;
    this.dueMs = dueMs;
    timeOuts.add(this, dueMs, nowMs);
    this.start();
  }

  expire(): void {
    this.hasTimedOut = true;
    const failure = timedOut();
    this.fail(failure, false);
    this.aborter?.abort(failure);
  }

  private start(): void {
    const { isFault } = this.parts;
    let answer: Promise<Result>;
    try {
      answer = this.operation(this);
    } catch (failure) {
      return this.fail(failure, !isFault(failure));
    }
    answer.then(
      (result) => {
        if (this.settle(true)) this.resolve(result);
      },
      (failure: unknown) => this.fail(failure, !isFault(failure)),
    );
  }

  private fail(failure: unknown, isGood: boolean): void {
    if (this.settle(isGood)) this.goOn(failure);
  }

  /** @returns Whether it was still awaited: what comes after the time-out is nobody's. */
  private settle(isGood: boolean): boolean {
    if (!this.isAwaited) return false;
    this.isAwaited = false;
    const { breaker, timeOuts, retrier } = this.parts;
    timeOuts.remove(this);
    // Reading the clock is a third of what a call costs: a success that nobody times is counted as of its beginning.
    const nowMs = isGood && !breaker.isTiming ? this.beganMs : retrier.ports.now();
    breaker.came(this.permit, isGood, nowMs, nowMs - this.beganMs);
    return true;
  }

  private goOn(failure: unknown): void {
    const { parts, number, operation, options, resolve, reject } = this;
    parts.retrier
      .mayGoOn(number, failure, options)
      .then((mayGoOn) => {
        if (!mayGoOn) return reject(failure);
        new Attempt(parts, number + 1, operation, options, resolve, reject).begin();
      })
      .catch(reject);
  }
}

const open = (waitMs: number) =>
  new Refusal('resilience/breaker-open', 'the target is left alone for a while', waitMs);
const passed = () => new Refusal('resilience/deadline-passed', 'the caller does not wait any more');
const timedOut = () => new Refusal('resilience/timed-out', 'no answer in time');
