import { StacklessError } from '../refusal';

/** `failed`: it had no effect, or the target said no. `unknown`: it may have had its effect. */
export type CallOutcome = 'failed' | 'unknown';

/** Where an answer is from: this call's target, a call before it, or something in its place. */
export type AnswerSource = 'target' | 'cache' | 'stale' | 'fallback';

/** An answer, and how it came about. */
export class CallResult<Answer> {
  constructor(
    readonly answer: Answer,
    readonly from: AnswerSource,
    /** Of the endpoint that gave it; undefined: none did. */
    readonly endpointId: string | undefined,
    /** How many attempts went out, hedges too. */
    readonly attempts: number,
    /** What `stale` and `fallback` stand in for. */
    readonly failure: CallFailure | undefined,
  ) {}
}

// No promise: found at once, or each call that ends well would have it looked for in all that is inherited.
Object.defineProperty(CallResult.prototype, 'then', { value: undefined });

/**
 * A call that has no answer. `cause` is what the last attempt that went out failed with, or why none
 * went out. Status, code and the wish to be left alone for a while are the cause's.
 */
export class CallFailure extends StacklessError {
  override readonly name = 'CallFailure';
  readonly status: number | undefined;
  readonly code: string;
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly target: string,
    readonly outcome: CallOutcome,
    /** The target has understood and said no: another one would say the same. */
    readonly isAnswer: boolean,
    readonly attempts: number,
    cause: unknown,
  ) {
    super(`${target}: ${textOf(cause)}`, { cause });
    const { status, statusCode, code, retryAfterMs } = detailsOf(cause);
    this.status = numberOf(status) ?? numberOf(statusCode);
    this.code = typeof code === 'string' ? code : 'resilience/call-failed';
    this.retryAfterMs = numberOf(retryAfterMs);
  }
}

/** What a call ended with, to be given again. */
export type Kept<Answer> = CallResult<Answer> | CallFailure;

interface Details {
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly code?: unknown;
  readonly retryAfterMs?: unknown;
}

const detailsOf = (cause: unknown): Details =>
  typeof cause === 'object' && cause !== null ? cause : {};
const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : undefined;
const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
