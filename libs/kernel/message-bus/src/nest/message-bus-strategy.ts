import { BaseRpcContext, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import type { Problem, QueryOutcome } from '../command-outcome';
import type { MessageBus } from '../message-bus';

/** Told of each answer; `beganMs` is of `performance.now()`. */
export type AnswerListener = (subject: string, outcome: QueryOutcome, beganMs: number) => void;

type Handler = ReturnType<Server['getHandlers']> extends Map<string, infer Found> ? Found : never;

/**
 * Lets Nest controllers answer queries and hear hints through the bus:
 * `@MessagePattern('query.registry.list-services')` gets the payload and returns a `QueryOutcome`,
 * `@EventPattern('hint.log.main')` gets the hint. Nest's own NATS transport is core NATS with an
 * envelope of its own, which no other language's client could ask.
 */
export class MessageBusStrategy extends Server implements CustomTransportStrategy {
  private forgets: (() => void)[] = [];

  constructor(
    private readonly bus: MessageBus,
    private readonly onAnswer?: AnswerListener,
  ) {
    super();
  }

  listen(callback: (fault?: unknown) => void): void {
    for (const [pattern, handler] of this.getHandlers())
      if (handler.isEventHandler) this.forgets.push(this.hear(pattern));
      else
        this.bus.answer(pattern, async (payload, headers, subject) => {
          const beganMs = performance.now();
          const context = new BaseRpcContext([headers, subject]);
          const outcome = await this.answerWith(handler, payload, context);
          this.onAnswer?.(subject, outcome, beganMs);
          return outcome;
        });
    callback();
  }

  /** The bus belongs to whoever made it and is not closed here. */
  close(): void {
    for (const forget of this.forgets) forget();
    this.forgets = [];
  }

  override on(event: string): never {
    throw new Error(`the message bus has no event ${event}: ask it for its status`);
  }

  override unwrap<Bus>(): Bus {
    return this.bus as Bus;
  }

  private async answerWith(
    handler: Handler,
    payload: unknown,
    context: BaseRpcContext,
  ): Promise<QueryOutcome> {
    try {
      const answered: unknown = await lastValueFrom(
        this.transformToObservable(await handler(payload, context)),
      );
      if (isOutcome(answered)) return answered;
      throw new TypeError('a query handler must return a QueryOutcome');
    } catch (fault) {
      // Nest's exception filter has turned what the controller threw into `{ status, message }`.
      if (isProblem(fault)) return { ok: false, problem: fault };
      throw fault;
    }
  }

  private hear(pattern: string): () => void {
    return this.bus.onHint(pattern, (payload, subject) => {
      const context = new BaseRpcContext([{ subject }]);
      void this.handleEvent(pattern, { pattern, data: payload }, context).catch((fault: unknown) =>
        this.logger.error(fault),
      );
    });
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === 'object';

const isOutcome = (value: unknown): value is QueryOutcome =>
  isObject(value) && typeof value['ok'] === 'boolean';

/** What `throw new RpcException(problem)` arrives as. */
const isProblem = (value: unknown): value is Problem =>
  isObject(value) &&
  typeof value['code'] === 'string' &&
  typeof value['message'] === 'string' &&
  typeof value['kind'] === 'string';
