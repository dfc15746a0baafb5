import { randomUUID } from 'node:crypto';
import { validate } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import type { DirectoryFollower } from '@downbeat/discovery';
import { Deadline, DEADLINE_HEADER } from '@downbeat/resilience';
import type { z } from 'zod';
import {
  NatsUnanswered,
  NatsUnavailable,
  type NatsLink,
  type NatsMessage,
} from '../nats/nats-link';
import type { Operation } from '../operations/operation';
import { ERROR_CODE, ERROR_TEXT, operationSubject } from '../operations/served-over-nats';

export interface CallOptions {
  /** How long the answer may take, all in all. Default 5,000. */
  readonly timeoutMs?: number;
  /** The same for every repetition of one call. Default: a new one. */
  readonly idempotencyKey?: string;
  readonly correlationId?: string;
  /** W3C trace context to go on with. */
  readonly traceparent?: string;
}

/**
 * A call that brought no answer. `outcome`: `not-sent` and `refused` had no effect; of `unknown` nobody
 * knows, and only with the same idempotency key it may be called again.
 */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly code = 'sdk/call-failed';

  constructor(
    readonly target: string,
    readonly outcome: 'not-sent' | 'refused' | 'unknown',
    /** As HTTP has it; absent when nobody answered. */
    readonly status: number | undefined,
    message: string,
  ) {
    super(`${target}: ${message}`);
  }
}

const TIMEOUT_MS = 5_000;
const BODY_BYTES_MAX = 1_000_000;
/** Statuses that say that nothing was done; others of 5xx may have. */
const NOTHING_DONE: readonly number[] = [501, 503, 504];

/** Calls operations of other services over NATS; their instances share the calls. */
export class Caller {
  /** Whose turn it is among the services that have a capability. */
  private readonly turns = new Map<string, number>();

  constructor(
    private readonly link: NatsLink,
    private readonly directory: DirectoryFollower,
  ) {}

  /** @throws {CallFailed} */
  async call<Input extends z.ZodType, Output extends z.ZodType>(
    serviceName: string,
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    options: CallOptions = {},
  ): Promise<z.output<Output>> {
    const target = `${serviceName}.${operation.name}`;
    const checked = validate(operation.input, input);
    if (checked instanceof Rejection)
      throw new CallFailed(target, 'not-sent', undefined, checked.message);
    const body = JSON.stringify(checked.value ?? null);
    if (Buffer.byteLength(body) > BODY_BYTES_MAX)
      throw new CallFailed(target, 'not-sent', undefined, `larger than ${BODY_BYTES_MAX} bytes`);
    const subject = operationSubject(serviceName, operation.name);
    const message = await this.ask(target, subject, body, options);
    const code = message.headers[ERROR_CODE] ?? '';
    if (code !== '') {
      const status = Number(code) || 500;
      const isKnown = status < 500 || NOTHING_DONE.includes(status);
      const why = message.headers[ERROR_TEXT] ?? `answered ${status}`;
      throw new CallFailed(target, isKnown ? 'refused' : 'unknown', status, why);
    }
    return outputOf(target, operation, message.body);
  }

  /**
   * Calls a service that can do something, in a version of the range; those that can take turns.
   *
   * @throws {CallFailed} Also when there is none.
   */
  callByCapability<Input extends z.ZodType, Output extends z.ZodType>(
    capability: { readonly name: string; readonly range?: string },
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    options: CallOptions = {},
  ): Promise<z.output<Output>> {
    const { name, range } = capability;
    const able = this.directory.snapshot
      .withCapability(name, range)
      .filter(({ targets }) => targets.length > 0);
    const turn = this.turns.get(name) ?? 0;
    this.turns.set(name, turn + 1);
    const service = able[turn % Math.max(1, able.length)];
    if (service) return this.call(service.service_name, operation, input, options);
    const wanted = range === undefined ? name : `${name} ${range}`;
    const why = `no service that works has the capability ${wanted}`;
    return Promise.reject(new CallFailed(wanted, 'not-sent', undefined, why));
  }

  private async ask(
    target: string,
    subject: string,
    body: string,
    { timeoutMs = TIMEOUT_MS, idempotencyKey, correlationId, traceparent }: CallOptions,
  ): Promise<NatsMessage> {
    const now = performance.now();
    const headers = {
      'idempotency-key': idempotencyKey ?? randomUUID(),
      [DEADLINE_HEADER]: Deadline.after(timeoutMs, now).headerText(now) ?? '',
      ...(correlationId === undefined ? {} : { 'x-correlation-id': correlationId }),
      ...(traceparent === undefined ? {} : { traceparent }),
    };
    try {
      return await this.link.request(subject, body, timeoutMs, headers);
    } catch (fault) {
      if (fault instanceof NatsUnavailable)
        throw new CallFailed(target, 'not-sent', undefined, fault.message);
      if (!(fault instanceof NatsUnanswered)) throw fault;
      const outcome = fault.why === 'nobody-listens' ? 'not-sent' : 'unknown';
      throw new CallFailed(target, outcome, undefined, fault.message);
    }
  }
}

function outputOf<Output extends z.ZodType>(
  target: string,
  operation: Operation<z.ZodType, Output>,
  body: string,
): z.output<Output> {
  try {
    const output = operation.output.safeParse(JSON.parse(body));
    if (output.success) return output.data;
    throw new CallFailed(
      target,
      'unknown',
      200,
      `an answer of another shape: ${output.error.message}`,
    );
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
    throw new CallFailed(target, 'unknown', 200, 'an answer that is not JSON');
  }
}
