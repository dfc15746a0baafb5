import { parseUntrustedJson, validate } from '@downbeat/contracts';
import { Deadline, DEADLINE_HEADER } from '@downbeat/resilience';
import { Rejection } from '@downbeat/eventsourcing';
import type { z } from 'zod';
import { OperationRefused, type CallInfo, type Handle, type Operation } from './operation';

/** What is answered, over HTTP and over NATS alike. `body` is JSON; of a failure a problem (RFC 9457). */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HandlersOptions {
  /** Calls that are handled at once; more are refused with 503. Default 256. */
  readonly callsMax?: number;
  /** What a handler threw that is no refusal; the caller hears of an internal failure only. */
  readonly onDefect: (operation: string, defect: unknown) => void;
  /** Milliseconds, for deadlines. Default: the process's. */
  readonly now?: () => number;
}

/** Headers as they came, names in lower case. */
export type CallHeaders = Readonly<Record<string, string | undefined>>;

interface Known {
  readonly operation: Operation;
  readonly handle: Handle<unknown, unknown>;
}

const CALLS_MAX = 256;
const ANSWER_BYTES_MAX = 1_000_000;

/** The operations of a service: checks what comes in and what goes out, and bounds how many run. */
export class Handlers {
  private readonly known = new Map<string, Known>();
  private readonly now: () => number;
  private underWay = 0;
  private readonly waiting = new Set<() => void>();

  constructor(private readonly options: HandlersOptions) {
    this.now = options.now ?? (() => performance.now());
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
    if (this.underWay === 0) return;
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
  async answer(name: string, body: string, headers: CallHeaders): Promise<Answer> {
    const known = this.known.get(name);
    if (!known) return problem(404, 'operation-unknown', `there is no operation ${name}`);
    if (this.underWay >= (this.options.callsMax ?? CALLS_MAX))
      return { ...problem(503, 'busy', 'too many calls at once'), headers: { 'retry-after': '1' } };
    const deadline = Deadline.read(headers[DEADLINE_HEADER], this.now()) ?? Deadline.never;
    if (deadline.leftMs(this.now()) === 0)
      return problem(504, 'too-late', 'the time of the call is over');
    this.underWay++;
    const call = new Call(headers, deadline, this.now);
    try {
      return await this.carryOut(known, body, call);
    } catch (defect) {
      this.options.onDefect(name, defect);
      return problem(500, 'internal', 'the operation failed');
    } finally {
      call.end();
      this.underWay--;
      if (this.underWay === 0) for (const wake of this.waiting) wake();
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

function problem(status: number, code: string, detail: string, more: object = {}): Answer {
  return { status, body: JSON.stringify({ status, code, title: code, detail, ...more }) };
}

/** The longest a timer can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1;

class Call implements CallInfo {
  private controller: AbortController | undefined;
  private timer: NodeJS.Timeout | undefined;
  readonly idempotencyKey: string | undefined;
  readonly correlationId: string | undefined;
  readonly traceparent: string | undefined;

  constructor(
    headers: CallHeaders,
    private readonly deadline: Deadline,
    private readonly now: () => number,
  ) {
    this.idempotencyKey = headers['idempotency-key'];
    this.correlationId = headers['x-correlation-id'];
    this.traceparent = headers['traceparent'];
  }

  get signal(): AbortSignal {
    this.controller ??= this.begin();
    return this.controller.signal;
  }

  leftMs(): number {
    return this.deadline.leftMs(this.now());
  }

  end(): void {
    clearTimeout(this.timer);
  }

  private begin(): AbortController {
    const controller = new AbortController();
    const leftMs = this.leftMs();
    if (leftMs === 0) controller.abort();
    else if (leftMs <= TIMER_MS_MAX) this.timer = setTimeout(() => controller.abort(), leftMs);
    return controller;
  }
}
