import { randomUUID } from 'node:crypto';
import { validate } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import type { DirectoryFollower } from '@downbeat/discovery';
import {
  Breakers,
  CallFailure,
  proxyPorts,
  ServiceProxy,
  type Priority,
  type ServiceHandle,
} from '@downbeat/resilience';
import type { z } from 'zod';
import type { Operation } from '../operations/operation';
import { HttpRefusal, HttpTransport, type HttpAnswer, type HttpRequest } from './http-transport';
import { Instances, type InstanceEndpoint } from './instances';

export interface CallOptions {
  /** How long the answer may take, retries and all. Default 5,000. */
  readonly timeoutMs?: number;
  /** The same for every repetition of one call. Default: a new one. */
  readonly idempotencyKey?: string;
  /** Twice does no harm: it is retried, elsewhere, also when it may have had its effect. */
  readonly isRepeatable?: boolean;
  readonly priority?: Priority;
  /** Calls of one session go to the same instance while that is there. */
  readonly session?: string;
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
    /** Of the answer; absent when there was none. */
    readonly status: number | undefined,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${target}: ${message}`, options);
  }
}

/** The way to other services that a {@link DownbeatService} has: balanced, retried, bounded. */
export type Proxy = ServiceProxy<InstanceEndpoint, HttpRequest, HttpAnswer>;
type Handle = ServiceHandle<InstanceEndpoint, HttpRequest, HttpAnswer>;

const TIMEOUT_MS = 5_000;
const BODY_BYTES_MAX = 1_000_000;

/** Calls operations of other services over HTTP, through the proxy. */
export class Caller {
  private readonly transport = new HttpTransport();
  readonly proxy: Proxy;

  /** @param source The name of the service that calls. */
  constructor(source: string, follower: DirectoryFollower) {
    const ports = proxyPorts();
    const breakers = new Breakers({ chance: ports.chance });
    this.proxy = new ServiceProxy({
      source,
      directory: new Instances(follower),
      transport: this.transport.send,
      ports,
      breakers,
    });
  }

  /** @throws {CallFailed} */
  call<Input extends z.ZodType, Output extends z.ZodType>(
    serviceName: string,
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    options: CallOptions = {},
  ): Promise<z.output<Output>> {
    return this.ask(serviceName, this.proxy.service(serviceName), operation, input, options);
  }

  /**
   * Calls whoever can do something, in a version of the range.
   *
   * @throws {CallFailed} Also when there is nobody.
   */
  callByCapability<Input extends z.ZodType, Output extends z.ZodType>(
    { name, range }: { readonly name: string; readonly range?: string },
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    options: CallOptions = {},
  ): Promise<z.output<Output>> {
    const handle = this.proxy.serviceByCapability(name, range);
    return this.ask(`capability ${name}`, handle, operation, input, options);
  }

  close(): Promise<void> {
    return this.transport.close();
  }

  private async ask<Output extends z.ZodType>(
    name: string,
    handle: Handle,
    operation: Operation<z.ZodType, Output>,
    input: unknown,
    options: CallOptions,
  ): Promise<z.output<Output>> {
    const target = `${name}.${operation.name}`;
    const body = bodyOf(target, operation, input);
    const { idempotencyKey = randomUUID(), correlationId, traceparent } = options;
    try {
      const { answer } = await wished(handle, options).call({
        method: 'POST',
        path: `/operations/${operation.name}`,
        headers: {
          'idempotency-key': idempotencyKey,
          ...(correlationId === undefined ? {} : { 'x-correlation-id': correlationId }),
          ...(traceparent === undefined ? {} : { traceparent }),
        },
        body,
      });
      return outputOf(target, operation, answer.body);
    } catch (fault) {
      if (!(fault instanceof CallFailure)) throw fault;
      throw failed(target, fault);
    }
  }
}

function wished(handle: Handle, options: CallOptions): Handle {
  const { timeoutMs = TIMEOUT_MS, isRepeatable, priority, session } = options;
  let wish = handle.withDeadline(timeoutMs);
  if (isRepeatable !== undefined) wish = wish.repeatable(isRepeatable);
  if (priority !== undefined) wish = wish.withPriority(priority);
  return session === undefined ? wish : wish.withSession(session);
}

function bodyOf(target: string, operation: Operation, input: unknown): string {
  const checked = validate(operation.input, input);
  if (checked instanceof Rejection)
    throw new CallFailed(target, 'not-sent', undefined, checked.message);
  const body = JSON.stringify(checked.value ?? null);
  if (Buffer.byteLength(body) <= BODY_BYTES_MAX) return body;
  throw new CallFailed(target, 'not-sent', undefined, `larger than ${BODY_BYTES_MAX} bytes`);
}

/** What the target said no to had no effect, nor what never went out. */
function failed(target: string, failure: CallFailure): CallFailed {
  const { cause, status } = failure;
  const why = cause instanceof Error ? cause.message : failure.message;
  const known = cause instanceof HttpRefusal ? 'refused' : 'not-sent';
  const outcome = failure.outcome === 'unknown' ? 'unknown' : known;
  return new CallFailed(target, outcome, status, why, { cause: failure });
}

function outputOf<Output extends z.ZodType>(
  target: string,
  operation: Operation<z.ZodType, Output>,
  body: string,
): z.output<Output> {
  let said: unknown;
  try {
    said = JSON.parse(body);
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
    throw new CallFailed(target, 'unknown', 200, 'an answer that is not JSON');
  }
  const output = operation.output.safeParse(said);
  if (output.success) return output.data;
  throw new CallFailed(
    target,
    'unknown',
    200,
    `an answer of another shape: ${output.error.message}`,
  );
}
