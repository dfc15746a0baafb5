import { randomUUID } from 'node:crypto';
import { validate } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import type { DirectoryFollower } from '@downbeat/discovery';
import type { HeldBreakers } from '@downbeat/breakers';
import {
  CallFailure,
  Deadline,
  monotonicMs,
  proxyPorts,
  ServiceProxy,
  TARGET_POLICY,
  type Priority,
  type ProxyListener,
  type ServiceHandle,
  type TargetPolicy,
  type TargetReport,
} from '@downbeat/resilience';
import type { z } from 'zod';
import { PRIORITY_HEADER } from '../operations/admission';
import type { CallInfo, Operation } from '../operations/operation';
import { pause } from '../pause';
import { callMsOf, type DeclaredCall, type DeclaredDependencies } from './declared-dependencies';
import { isHeaderText } from './header-text';
import { HttpRefusal, HttpTransport, type HttpAnswer, type HttpRequest } from './http-transport';
import { Instances, type Environment, type InstanceEndpoint } from './instances';
import { observed, type OnEndedCall } from './observed-transport';
import { traceContextOf } from './trace-context';

/** The call that a handler is serving, as far as what it calls itself has to do with it. */
export type ServedCall = Pick<
  CallInfo,
  'correlationId' | 'traceparent' | 'tracestate' | 'priority' | 'signal' | 'leftMs'
> &
  Partial<Pick<CallInfo, 'goneSignal'>>;

/** What is said here wins over what is declared about the dependency, and that over the defaults. */
export interface CallOptions<Answer = unknown> {
  /**
   * How long the answer may take, retries and all. Default: as long as the attempts may take, as code and
   * declaration together say; as long as one where neither says how often it is tried; 5,000 where nothing is said.
   */
  readonly timeoutMs?: number;
  /** The same for every repetition of one call: printable ASCII, at most 1,024 characters. Default: a new one. */
  readonly idempotencyKey?: string;
  /** Twice does no harm: it is retried, elsewhere, also when it may have had its effect. */
  readonly isRepeatable?: boolean;
  /** Whose turn it is first, here and where it is answered, when there are more calls than places. */
  readonly priority?: Priority;
  /** Calls of one session go to the same instance while that is there. */
  readonly session?: string;
  /** What this call is made for: it has no more time than is left of that, ends with it, and goes on with its trace. */
  readonly within?: ServedCall;
  /** Gives the call up; in place of the signals of `within`. */
  readonly signal?: AbortSignal;
  /** Stands in for an answer that did not come: for any, or as the dependency's `fallback_strategy` says. */
  readonly fallback?: Answer;
  /** Printable ASCII, at most 1,024 characters. Default: that of `within`, or a new one. */
  readonly correlationId?: string;
  /** W3C trace context to go on with. Default: that of `within`, or a new one. */
  readonly traceparent?: string;
  readonly tracestate?: string;
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

export interface CallerOptions {
  readonly declared: DeclaredDependencies;
  /** Wins over what is declared. */
  readonly policyOf?: ((target: string) => Partial<TargetPolicy>) | undefined;
  /** Where the caller is; undefined: all zones are alike. */
  readonly zone?: string | undefined;
  /** In which it looks for capabilities. */
  readonly environment: Environment;
  readonly onEvent: ProxyListener;
  /** How each request ended, but those to dependencies that are not to be monitored. */
  readonly onEnded: OnEndedCall;
}

/** Who is called: whoever can do something. */
export interface WantedCapability {
  readonly name: string;
  /** Of its versions, as npm writes it, such as `^1.2.0`. Default any. */
  readonly range?: string;
  /** In which the services are. Default: the caller's own. */
  readonly environment?: Environment;
}

const BODY_BYTES_MAX = 1_000_000;

/** Calls operations of other services over HTTP, through the proxy. */
export class Caller {
  private readonly transport = new HttpTransport();
  private readonly ending = new AbortController();
  readonly proxy: Proxy;
  private readonly declared: DeclaredDependencies;

  /** @param held In front of whom it calls. */
  constructor(
    follower: DirectoryFollower,
    held: HeldBreakers,
    { declared, policyOf = () => ({}), zone, environment, onEvent, onEnded }: CallerOptions,
  ) {
    this.declared = declared;
    this.proxy = new ServiceProxy({
      source: held.source,
      directory: new Instances(follower, environment),
      transport: observed(
        this.transport.send,
        (call) => {
          if (declared.of(call.target).isMonitored) onEnded(call);
        },
        monotonicMs,
      ),
      // Nothing is tried again once it ends: nobody has to wait for that.
      ports: { ...proxyPorts(), wait: (ms) => pause(ms, this.ending.signal) },
      breakers: held.breakers,
      policyOf: (target) => nearFirst(zone, { ...declared.of(target).policy, ...policyOf(target) }),
      onEvent,
    });
  }

  /** @throws {CallFailed} */
  call<Input extends z.ZodType, Output extends z.ZodType>(
    serviceName: string,
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    options: CallOptions<z.input<Output>> = {},
  ): Promise<z.output<Output>> {
    return this.ask(serviceName, this.proxy.service(serviceName), operation, input, options);
  }

  /**
   * Calls whoever can do something, in a version of the range, in the caller's environment.
   *
   * @throws {CallFailed} Also when there is nobody.
   */
  callByCapability<Input extends z.ZodType, Output extends z.ZodType>(
    { name, range, environment }: WantedCapability,
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    options: CallOptions<z.input<Output>> = {},
  ): Promise<z.output<Output>> {
    const handle = this.proxy.serviceByCapability(name, range, environment);
    return this.ask(`capability ${name}`, handle, operation, input, options);
  }

  /** How calls ended since it was asked last, but those to dependencies that are not to be monitored. */
  tell(): readonly TargetReport[] {
    return [...this.proxy.tell()].filter(({ target }) => this.declared.of(target).isMonitored);
  }

  /** No call begins from now on. Those under way may end, for `ms`, and are given up then. */
  async close(ms: number): Promise<void> {
    this.ending.abort();
    await this.transport.close(ms);
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
    const headers = headersOf(target, options);
    try {
      const { answer } = await wished(handle, this.declared.of(name), options).call({
        method: 'POST',
        path: `/operations/${operation.name}`,
        headers,
        body,
      });
      return outputOf(target, operation, answer.body);
    } catch (fault) {
      if (!(fault instanceof CallFailure)) throw fault;
      throw failed(target, fault);
    }
  }
}

/** Whoever names a zone for a target means that one, and not the caller's. */
function nearFirst(zone: string | undefined, policy: Partial<TargetPolicy>): Partial<TargetPolicy> {
  const { balancer = TARGET_POLICY.balancer } = policy;
  return { ...policy, balancer: { ...balancer, zone: balancer.zone ?? zone } };
}

/** @throws {CallFailed} Something that cannot be a header; sent, it would look like the target's failure. */
function headersOf(target: string, options: CallOptions): Readonly<Record<string, string>> {
  const { within, idempotencyKey = randomUUID(), priority = within?.priority } = options;
  const { correlationId = within?.correlationId ?? randomUUID() } = options;
  // A state belongs to its parent: of another call it says nothing.
  const from = options.traceparent === undefined ? within : options;
  const { traceparent, tracestate } = traceContextOf(from?.traceparent, from?.tracestate);
  const said = { idempotencyKey, correlationId, ...(priority === undefined ? {} : { priority }) };
  for (const [name, text] of Object.entries(said))
    if (!isHeaderText(text))
      throw new CallFailed(target, 'not-sent', undefined, `${name}: not a header`);
  return {
    'idempotency-key': idempotencyKey,
    'x-correlation-id': correlationId,
    traceparent,
    ...(tracestate === undefined ? {} : { tracestate }),
    ...(priority === undefined ? {} : { [PRIORITY_HEADER]: priority }),
  };
}

function wished(handle: Handle, declared: DeclaredCall, options: CallOptions): Handle {
  const { timeoutMs = callMsOf(handle.policy), isRepeatable, session, within } = options;
  const { priority = within?.priority } = options;
  let wish = handle.withDeadline(timeoutMs);
  const leftMs = within?.leftMs() ?? Infinity;
  if (leftMs < Infinity) wish = wish.withDeadline(Deadline.after(leftMs, monotonicMs()));
  // Its time is the deadline's alone: a signal for it as well would be a race between two ends of the call.
  const signal = options.signal ?? within?.goneSignal ?? within?.signal;
  if (signal !== undefined) wish = wish.withSignal(signal);
  if (options.fallback !== undefined) {
    const instead = { status: 200, headers: {}, body: JSON.stringify(options.fallback) };
    wish = wish.withFallback(instead, declared.fallbackWhen);
  }
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
