import type { Priority } from '@downbeat/resilience';
import type { z } from 'zod';

/** What a service can be asked to do: one object that caller and handler share, so that both are checked against it. */
export interface Operation<
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
> {
  /** Kebab-case: `reserve-stock`. Unique in its service. */
  readonly name: string;
  readonly input: Input;
  readonly output: Output;
}

const NAME = /^[a-z][a-z0-9-]{0,63}$/;

/** @throws {RangeError} The name is not one: letters, digits and dashes, at most 64. */
export function operation<Input extends z.ZodType, Output extends z.ZodType>(
  name: string,
  schemas: { readonly input: Input; readonly output: Output },
): Operation<Input, Output> {
  if (!NAME.test(name)) throw new RangeError(`${name} is not a name of an operation`);
  return { name, ...schemas };
}

/** What came along with a call. */
export interface CallInfo {
  /** The same for every repetition of one call: an effect that it has had already is not to be had again. */
  readonly idempotencyKey: string | undefined;
  /** Of all that one request has set off; made when the caller said none that can be a header. */
  readonly correlationId: string;
  /** W3C trace context of the caller; made when there is none. */
  readonly traceparent: string;
  readonly tracestate: string | undefined;
  /** What the caller said; `normal` when it said nothing. */
  readonly priority: Priority;
  /** Aborted when nobody waits for the answer any more: time is over, or they went away. Made when it is first asked for. */
  readonly signal: AbortSignal;
  /** Aborted when whoever asked went away, and not when time is over. Made when it is first asked for. */
  readonly goneSignal: AbortSignal;
  /** Milliseconds that are left of the caller's time; infinite when it did not say. */
  leftMs(): number;
}

export type Handle<Input, Output> = (input: Input, call: CallInfo) => Promise<Output> | Output;

/** A handler throws it to refuse for sure; the caller gets status and message. */
export class OperationRefused extends Error {
  override readonly name = 'OperationRefused';
  readonly code = 'sdk/operation-refused';

  /** @param status An HTTP status from 400 to 499, or 503: all of them say that nothing was done. */
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    if (!(status >= 400 && status <= 499) && status !== 503)
      throw new RangeError(`${status} does not say that nothing was done`);
  }
}
