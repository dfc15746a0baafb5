import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import {
  CallCancelled,
  ConnectionBroken,
  ConnectionRefused,
  EgressFault,
  EgressRefused,
  ResponseTooLarge,
  TimedOut,
} from './faults';
import { refusal } from './policy';

export interface EgressResponse {
  /** Redirects come back as they are: 301, 302, 307, 308. */
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** Decoded as UTF-8. */
  readonly body: string;
}

interface Limits {
  readonly timeoutMs: number;
  readonly bytesMax: number;
  readonly signal: AbortSignal | undefined;
  readonly maySend: (() => boolean) | undefined;
}

/**
 * One request and its answer. Settles exactly once, at the latest when its one timer fires; knows
 * at every moment whether anything of the request may have left this process.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined;
  private status: number | undefined;
  private headers: IncomingHttpHeaders = {};
  private readonly chunks: Buffer[] = [];
  private bytes = 0;
  private isSettled = false;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly limits: Limits,
    private readonly answered: (response: EgressResponse) => void,
    private readonly failed: (fault: EgressFault) => void,
  ) {
    this.timer = setTimeout(this.onTimeout, limits.timeoutMs);
    limits.signal?.addEventListener('abort', this.onCancel, { once: true });
  }

  /** A connection is there; the request is written next. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (!this.isSettled && this.limits.maySend?.() === false)
      this.fail(new CallCancelled('not-sent'));
    if (this.isSettled) controller.abort(new Error('nobody waits for this call any more'));
    else this.controller = controller;
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200) return;
    this.status = status;
    this.headers = headers;
    if (Number(headers['content-length']) > this.limits.bytesMax) this.refuseLength();
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.bytes > this.limits.bytesMax) this.refuseLength();
    else this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (!this.settle()) return;
    const [first] = this.chunks;
    const whole = first && this.chunks.length > 1 ? Buffer.concat(this.chunks) : first;
    const body = whole?.toString('utf8') ?? '';
    this.answered({ status: this.status ?? 0, headers: this.headers, body });
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    this.fail(this.faultOf(error));
  }

  private faultOf(error: NodeJS.ErrnoException): EgressFault {
    if (error instanceof EgressFault) return error;
    const detail = error.code ?? error.message;
    if (error.code === 'UND_ERR_INVALID_ARG' || error.code === 'UND_ERR_NOT_SUPPORTED')
      return new EgressRefused(refusal('header-refused', 'headers', error.message));
    return this.outcome === 'not-sent'
      ? new ConnectionRefused(detail, { cause: error })
      : new ConnectionBroken(detail, this.status, { cause: error });
  }

  private get outcome(): 'not-sent' | 'unknown' {
    return this.controller ? 'unknown' : 'not-sent';
  }

  private readonly onTimeout = (): void =>
    this.fail(new TimedOut(this.limits.timeoutMs, this.outcome));

  private readonly onCancel = (): void => this.fail(new CallCancelled(this.outcome));

  private refuseLength(): void {
    this.fail(new ResponseTooLarge(this.limits.bytesMax, this.status ?? 0));
  }

  private fail(fault: EgressFault): void {
    if (!this.settle()) return;
    this.controller?.abort(fault);
    this.failed(fault);
  }

  private settle(): boolean {
    if (this.isSettled) return false;
    this.isSettled = true;
    clearTimeout(this.timer);
    this.limits.signal?.removeEventListener('abort', this.onCancel);
    return true;
  }
}
