import { randomUUID } from 'node:crypto';
import { parseUntrustedJson, validate } from '@downbeat/contracts';
import { Deadline, DEADLINE_HEADER, type Priority } from '@downbeat/resilience';
import { Rejection } from '@downbeat/eventsourcing';
import type { z } from 'zod';
import { isHeaderText } from '../calls/header-text';
import { traceContextOf, type TraceContext } from '../calls/trace-context';
import { Admission, PRIORITY_HEADER, priorityOf } from './admission';
import { OperationRefused, type CallInfo, type Handle, type Operation } from './operation';

/** What is answered, over HTTP and over NATS alike. `body` is JSON; of a failure a problem (RFC 9457). */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HandlersOptions {
  /** Calls that are handled at once. Default 256. */
  readonly callsMax?: number;
  /** Calls of each priority that wait for their turn, critical before low; more are refused with 503. Default 64. */
  readonly callsWaitingMax?: number;
  /** A call that waits longer is refused with 503. Default 1,000. */
  readonly callWaitMs?: number;
  /** What a handler threw that is no refusal; the caller hears of an internal failure only. */
  readonly onDefect: (operation: string, defect: unknown) => void;
  /** Milliseconds, for deadlines. Default: the process's. */
  readonly now?: () => number;
}

/** Is given what to call when nobody waits for the answer any more. */
export type OnGone = (gone: () => void) => void;

/** Headers as they came, names in lower case. */
export type CallHeaders = Readonly<Record<string, string | undefined>>;

interface Known {
  readonly operation: Operation;
  readonly handle: Handle<unknown, unknown>;
}

const CALLS_MAX = 256;
const CALLS_WAITING_MAX = 64;
const CALL_WAIT_MS = 1_000;
const ANSWER_BYTES_MAX = 1_000_000;

/** The operations of a service: checks what comes in and what goes out, and bounds how many run. */
export class Handlers {
  private readonly known = new Map<string, Known>();
  private readonly now: () => number;
  private readonly admission: Admission;
  private readonly waiting = new Set<() => void>();

  constructor(private readonly options: HandlersOptions) {
    this.now = options.now ?? (() => performance.now());
    const { callsMax = CALLS_MAX, callsWaitingMax: waitingMax = CALLS_WAITING_MAX } = options;
    const { callWaitMs: waitMs = CALL_WAIT_MS } = options;
    this.admission = new Admission({ callsMax, waitingMax, waitMs, now: this.now });
  }

  /** @throws {RangeError} There is a handler for it already. */
  add<Input extends z.ZodType, Output extends z.ZodType>(
    operation: Operation<Input, Output>,
    handle: Handle<z.output<Input>, z.input<Output>>,
  ): void {
    if (this.known.has(operation.name))
      throw new RangeError(`there are two handlers for ${operation.name}`);
    this.known.set(operation.name, { operation, handle: handle as Handle<unknown, unknown> });
  }

  get names(): readonly string[] {
    return [...this.known.keys()];
  }

  /** Settles when no call is under way, and after `ms` at the latest. */
  async idle(ms: number): Promise<void> {
    if (this.admission.isIdle) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.waiting.add(wake);
    });
  }

  /** Never throws. */
  async answer(
    name: string,
    body: string,
    headers: CallHeaders,
    onGone: OnGone = () => undefined,
  ): Promise<Answer> {
    const known = this.known.get(name);
    if (!known) return problem(404, 'operation-unknown', `there is no operation ${name}`);
    const deadline = Deadline.read(headers[DEADLINE_HEADER], this.now()) ?? Deadline.never;
    if (deadline.leftMs(this.now()) === 0) return tooLate();
    const entered = this.admission.enter(priorityOf(headers[PRIORITY_HEADER]), deadline);
    if (entered !== true && !(await entered))
      return { ...problem(503, 'busy', 'too many calls at once'), headers: { 'retry-after': '1' } };
    const call = new Call(headers, deadline, this.now);
    onGone(() => call.gone());
    try {
      // It may have been over while it waited.
      return call.leftMs() === 0 ? tooLate() : await this.carryOut(known, body, call);
    } catch (defect) {
      this.options.onDefect(name, defect);
      return problem(500, 'internal', 'the operation failed');
    } finally {
      call.end();
      this.admission.leave();
      if (this.admission.isIdle) for (const wake of this.waiting) wake();
    }
  }

  private async carryOut({ operation, handle }: Known, body: string, call: Call): Promise<Answer> {
    const json = body === '' ? { value: undefined } : parseUntrustedJson(body);
    if (json instanceof Rejection) return rejected(json);
    const input = validate(operation.input, json.value);
    if (input instanceof Rejection) return rejected(input);
    try {
      const output = operation.output.safeParse(await handle(input.value, call));
      if (!output.success)
        throw new TypeError(`the answer of ${operation.name}: ${output.error.message}`);
      const text = JSON.stringify(output.data ?? null);
      if (Buffer.byteLength(text) <= ANSWER_BYTES_MAX) return { status: 200, body: text };
      throw new RangeError(
        `the answer of ${operation.name} is larger than ${ANSWER_BYTES_MAX} bytes`,
      );
    } catch (fault) {
      if (!(fault instanceof OperationRefused)) throw fault;
      return problem(fault.status, 'refused', fault.message);
    }
  }
}

const rejected = ({ code, message, errors }: Rejection): Answer =>
  problem(code === 'body-too-large' ? 413 : 400, code, message, { errors });

const tooLate = (): Answer => problem(504, 'too-late', 'the time of the call is over');

function problem(status: number, code: string, detail: string, more: object = {}): Answer {
  return { status, body: JSON.stringify({ status, code, title: code, detail, ...more }) };
}

/** The longest a timer can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1;

class Call implements CallInfo {
  private controller: AbortController | undefined;
  private goneController: AbortController | undefined;
  private timer: NodeJS.Timeout | undefined;
  readonly priority: Priority;
  private isGone = false;
  private isEnded = false;
  private correlation: string | undefined;
  private trace: TraceContext | undefined;

  constructor(
    private readonly headers: CallHeaders,
    private readonly deadline: Deadline,
    private readonly now: () => number,
  ) {
    this.priority = priorityOf(headers[PRIORITY_HEADER]);
  }

  get idempotencyKey(): string | undefined {
    return this.headers['idempotency-key'];
  }

  get correlationId(): string {
    const said = this.headers['x-correlation-id'];
    // Whoever called may have written anything: what is no header goes on to nobody.
    const isOne = said !== undefined && isHeaderText(said);
    return (this.correlation ??= isOne ? said : randomUUID());
  }

  get traceparent(): string {
    return this.traced.traceparent;
  }

  get tracestate(): string | undefined {
    return this.traced.tracestate;
  }

  private get traced(): TraceContext {
    const { traceparent, tracestate } = this.headers;
    return (this.trace ??= traceContextOf(traceparent, tracestate));
  }

  get signal(): AbortSignal {
    this.controller ??= this.begin();
    return this.controller.signal;
  }

  get goneSignal(): AbortSignal {
    if (!this.goneController) {
      this.goneController = new AbortController();
      if (this.isGone) this.goneController.abort();
    }
    return this.goneController.signal;
  }

  leftMs(): number {
    return this.deadline.leftMs(this.now());
  }

  gone(): void {
    this.isGone = true;
    this.controller?.abort();
    this.goneController?.abort();
  }

  end(): void {
    this.isEnded = true;
    clearTimeout(this.timer);
  }

  private begin(): AbortController {
    const controller = new AbortController();
    const leftMs = this.leftMs();
    if (leftMs === 0 || this.isGone) controller.abort();
    // Asked for after the end nobody would clear it.
    else if (leftMs <= TIMER_MS_MAX && !this.isEnded)
      this.timer = setTimeout(() => controller.abort(), leftMs).unref();
    return controller;
  }
}
