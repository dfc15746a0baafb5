import { aborterFor, type AttemptContext, type GivenUp } from './attempt-context';
import type { CircuitBreaker } from '../breaker/circuit-breaker';
import type { Permit } from '../breaker/trial';
import { Deadline } from '../deadline/deadline';
import type { WheelEntry } from '../deadline/timer-wheel';
import { Refusal } from '../refusal';
import type { Retrier, RetryOptions } from '../retry/retrier';
import type { TimeOuts } from './time-outs';

export type { AttemptContext } from './attempt-context';

export type Guarded<Result> = (context: AttemptContext) => Promise<Result>;

/** What all calls of a guard share. */
export interface GuardParts {
  readonly breaker: CircuitBreaker;
  readonly retrier: Retrier;
  readonly timeOuts: TimeOuts;
  readonly timeoutMs: number;
  readonly isFault: (failure: unknown) => boolean;
}

/** What an attempt that went out ended with. */
interface Sent {
  readonly failure: unknown;
}

const NOT_GONE: Permit = { generation: -1 };

/** One attempt at a call, in one object with its place in the wheel: there is one for each call. */
export class Attempt<Result> implements WheelEntry, AttemptContext {
  // Of its own and not inherited: a constructor that calls others costs more than all that they do.
  next: WheelEntry | undefined;
  previous: WheelEntry | undefined;
  wakesAtMs: number | undefined;
  private aborter: AbortController | undefined;
  private reason: Refusal | undefined;
  private listener: GivenUp | undefined;
  private dueMs = 0;
  private permit = NOT_GONE;
  private beganMs = 0;
  private isAwaited = true;

  constructor(
    private readonly parts: GuardParts,
    readonly number: number,
    private readonly operation: Guarded<Result>,
    private readonly options: RetryOptions,
    private readonly resolve: (result: Result) => void,
    private readonly reject: (failure: unknown) => void,
    private readonly earlier: Sent | undefined,
  ) {}

  get deadline(): Deadline {
    return Deadline.at(this.dueMs);
  }

  get signal(): AbortSignal {
    return (this.aborter ??= aborterFor(this.reason)).signal;
  }

  onGivenUp(listener: GivenUp): void {
    this.listener = listener;
    if (this.reason) listener(this.reason);
  }

  begin(): void {
    const { breaker, timeOuts, retrier, timeoutMs } = this.parts;
    const nowMs = retrier.ports.now();
    const { deadline } = this.options;
    const dueMs = deadline ? Math.min(deadline.atMs, nowMs + timeoutMs) : nowMs + timeoutMs;
    if (dueMs <= nowMs) return this.goOn(passed());
    const permit = breaker.tryTake(nowMs);
    if (!permit) return this.goOn(open(breaker.waitMs(nowMs)));
    if (this.number === 1) retrier.budget?.called();
    this.permit = permit;
    this.beganMs = nowMs;
    this.dueMs = dueMs;
    timeOuts.add(this, dueMs);
    this.start();
  }

  expire(): void {
    const failure = timedOut();
    // Whoever is in a hurry says nothing about the target.
    if (this.dueMs < this.beganMs + this.parts.timeoutMs) this.cutShort(failure);
    else this.fail(failure, false);
    this.reason = failure;
    this.aborter?.abort(failure);
    this.listener?.(failure);
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

  private cutShort(failure: Refusal): void {
    if (!this.isAwaited) return;
    this.isAwaited = false;
    this.parts.breaker.giveBack(this.permit);
    this.goOn(failure);
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
    const sent = this.permit === NOT_GONE ? this.earlier : { failure };
    parts.retrier
      .mayGoOn(number, failure, options)
      .then((mayGoOn) => {
        // Who hears only that the last attempt was refused takes it that nothing was ever sent.
        if (!mayGoOn) return reject(sent ? sent.failure : failure);
        new Attempt(parts, number + 1, operation, options, resolve, reject, sent).begin();
      })
      .catch(reject);
  }
}

const open = (waitMs: number) =>
  new Refusal('resilience/breaker-open', 'the target is left alone for a while', waitMs);
const passed = () => new Refusal('resilience/deadline-passed', 'the caller does not wait any more');
const timedOut = () => new Refusal('resilience/timed-out', 'no answer in time');
