import { Fault } from '@downbeat/eventsourcing';
import type { Refusal, RefusalCode } from './policy';

/**
 * What is known of a call that brought no usable answer. `not-sent`: the other side saw nothing of
 * it. `unknown`: it may have been carried out. `answered`: it was answered, but the answer could
 * not be taken.
 */
export type CallOutcome = 'not-sent' | 'unknown' | 'answered';

/** A call without a usable answer. */
export abstract class EgressFault extends Fault {
  abstract readonly outcome: CallOutcome;
}

/** The policy does not allow this call. Nothing was sent, and nothing ever will be. */
export class EgressRefused extends EgressFault {
  override readonly name = 'EgressRefused';
  readonly code: `egress/${RefusalCode}`;
  readonly remedy = 'give-up';
  readonly outcome = 'not-sent';
  readonly field: string;
  readonly reason: string;

  constructor(refusal: Refusal) {
    super(refusal.reason);
    this.code = `egress/${refusal.code}`;
    this.field = refusal.field;
    this.reason = refusal.reason;
  }
}

/** More calls are under way than allowed. Nothing was sent. */
export class EgressBusy extends EgressFault {
  override readonly name = 'EgressBusy';
  readonly code = 'egress/busy';
  readonly remedy = 'retry';
  readonly outcome = 'not-sent';

  constructor(readonly callsMax: number) {
    super(`${callsMax} calls are under way already`);
  }
}

/** No connection could be made: refused, unreachable, name unknown, TLS failed. Nothing was sent. */
export class ConnectionRefused extends EgressFault {
  override readonly name = 'ConnectionRefused';
  readonly code = 'egress/connection-refused';
  readonly remedy = 'retry';
  readonly outcome = 'not-sent';

  constructor(
    /** `ECONNREFUSED`, `ENOTFOUND`, `UND_ERR_CONNECT_TIMEOUT`. */
    readonly detail: string,
    options?: ErrorOptions,
  ) {
    super(`no connection: ${detail}`, options);
  }
}

/** The connection broke, or spoke no HTTP, after the request may have been sent. */
export class ConnectionBroken extends EgressFault {
  override readonly name = 'ConnectionBroken';
  readonly code = 'egress/connection-broken';
  readonly remedy = 'retry';
  readonly outcome = 'unknown';

  constructor(
    readonly detail: string,
    /** The status line had arrived when it broke; the body had not, or not all of it. */
    readonly status: number | undefined,
    options?: ErrorOptions,
  ) {
    super(`the connection broke: ${detail}`, options);
  }
}

/** The answer was not there in time. */
export class TimedOut extends EgressFault {
  override readonly name = 'TimedOut';
  readonly code = 'egress/timed-out';
  readonly remedy = 'retry';

  constructor(
    readonly timeoutMs: number,
    /** `not-sent` when there was no connection yet. */
    readonly outcome: 'not-sent' | 'unknown',
  ) {
    super(`timed out after ${timeoutMs} ms`);
  }
}

/** The caller's signal ended the call. */
export class CallCancelled extends EgressFault {
  override readonly name = 'CallCancelled';
  readonly code = 'egress/cancelled';
  readonly remedy = 'give-up';

  constructor(readonly outcome: 'not-sent' | 'unknown') {
    super('the call was cancelled');
  }
}

/** The answer is longer than the caller takes; the rest was not read. */
export class ResponseTooLarge extends EgressFault {
  override readonly name = 'ResponseTooLarge';
  readonly code = 'egress/response-too-large';
  readonly remedy = 'give-up';
  readonly outcome = 'answered';

  constructor(
    readonly bytesMax: number,
    readonly status: number,
  ) {
    super(`the answer is longer than ${bytesMax} bytes`);
  }
}
