import { execute, type EventStore, type Snapshot } from '@downbeat/event-store';
import { fold, instantOf, Rejection } from '@downbeat/eventsourcing';
import type { CommandOutcome } from '@downbeat/message-bus';
import {
  letterOperation,
  letterOperationStream,
  type LetterOperation,
  type LetterOperationCommand,
  type LetterOperationEvent,
  type LetterOperationRequest,
} from '@downbeat/messaging-domain';
import type { Cause } from '@downbeat/service-host';

/** Letters are taken in slices, of which there are so many a second when the rate is higher. */
const SLICES_PER_SECOND = 5;
const TRY_AGAIN_MS = 1_000;
const OPERATIONS_AT_ONCE_MAX = 4;
/** Letters with different subjects are asked beside each other; those with the same one in their order. */
const AT_ONCE_MAX = 16;
const ACTOR = 'messaging-operation';

/** A letter of an operation, and what is to be done about it. */
export interface Asked {
  readonly request: LetterOperationRequest;
  readonly dead_letter_id: string;
  readonly cause: Cause;
}

export interface OperationPorts {
  readonly store: EventStore;
  readonly now: () => number;
  /** @throws A fault, when it is not known what became of it: to be asked again. */
  readonly ask: (asked: Asked) => Promise<CommandOutcome>;
  /** By id: what those that stand in the same order have in common. */
  readonly ordersOf: (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  /** Of the letters that it has sent again, how many have failed once more. */
  readonly failuresOf: (operationId: string) => Promise<number>;
  /** Waits; returns early when `signal` is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onFault: (operationId: string, fault: unknown) => void;
}

/**
 * Does the same to many letters at a bounded rate. What became of them is recorded slice by slice; a slice that
 * is done again changes nothing that was done, since a letter knows the operation that asked for it last.
 */
export class LetterOperationRunner {
  private readonly inWork = new Map<string, Promise<void>>();
  /** Operations for which there is no room yet. */
  private readonly waiting = new Set<string>();
  private readonly stopping = new AbortController();

  constructor(private readonly ports: OperationPorts) {}

  /** Goes on with these, as far as it does not already. */
  know(operationIds: readonly string[]): void {
    for (const id of operationIds) if (!this.inWork.has(id)) this.waiting.add(id);
    this.workOn();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.inWork.values());
  }

  private workOn(): void {
    for (const id of this.waiting) {
      if (this.inWork.size >= OPERATIONS_AT_ONCE_MAX || this.stopping.signal.aborted) return;
      this.waiting.delete(id);
      const work = this.work(id).finally(() => {
        this.inWork.delete(id);
        this.workOn();
      });
      this.inWork.set(id, work);
    }
  }

  private async work(operationId: string): Promise<void> {
    const { onFault, pause } = this.ports;
    const { signal } = this.stopping;
    let known: Known = { state: letterOperation.initialState, version: 0, position: 0 };
    while (!signal.aborted)
      try {
        const begun = performance.now();
        known = await this.refreshed(operationId, known);
        const taken = await this.slice(operationId, known);
        if (taken === undefined) return;
        await pause(Math.max(0, taken - (performance.now() - begun)), signal);
      } catch (fault) {
        onFault(operationId, fault);
        await pause(TRY_AGAIN_MS, signal);
      }
  }

  /** The ids of its letters are read once, and then what is new. */
  private async refreshed(operationId: string, known: Known): Promise<Known> {
    const { store } = this.ports;
    const stream = letterOperationStream(operationId);
    const news = await store.load<LetterOperationEvent>(stream, known.version);
    return {
      state: fold(letterOperation, news, known.state),
      version: known.version + news.length,
      position: news.at(-1)?.position ?? known.position,
    };
  }

  /** @returns How long a slice is to take at the rate that is wanted; undefined when there is nothing more to do. */
  private async slice(operation_id: string, known: Known): Promise<number | undefined> {
    const { status, request, letterIds, next } = known.state;
    if (status !== 'running' || !request) return undefined;
    if (await this.hasFailedTooOften(request)) {
      const reason = `${request.stop_after_failures} of its letters have failed again`;
      await this.record(
        { type: 'AbortDeadLetterOperation', data: { operation_id, reason } },
        known,
      );
      return undefined;
    }
    const size = Math.max(1, Math.floor(request.rate_per_second / SLICES_PER_SECOND));
    const ids = letterIds.slice(next, next + size);
    const answers = await this.askAll(request, ids);
    const data = { operation_id, from: next, answers };
    await this.record({ type: 'RecordLetterAnswers', data }, known);
    return (ids.length / request.rate_per_second) * 1_000;
  }

  private async hasFailedTooOften(request: LetterOperationRequest): Promise<boolean> {
    const { operation_id, stop_after_failures: most } = request;
    return most !== undefined && (await this.ports.failuresOf(operation_id)) >= most;
  }

  /** Returns, or throws, when all have been asked: nobody is asked twice at once. */
  private async askAll(
    request: LetterOperationRequest,
    ids: readonly string[],
  ): Promise<readonly string[]> {
    const orders = await this.ports.ordersOf(ids);
    const lanes = new Map<string, number[]>();
    for (const [index, id] of ids.entries()) {
      const order = orders.get(id) ?? id;
      lanes.set(order, [...(lanes.get(order) ?? []), index]);
    }
    const answers: string[] = [];
    const queue = [...lanes.values()];
    const worker = async (): Promise<void> => {
      for (let lane = queue.shift(); lane; lane = queue.shift())
        for (const index of lane) answers[index] = await this.ask(request, ids[index] ?? '');
    };
    const workers = Array.from({ length: Math.min(AT_ONCE_MAX, queue.length) }, worker);
    for (const ended of await Promise.allSettled(workers))
      if (ended.status === 'rejected') throw ended.reason;
    return answers;
  }

  private async ask(request: LetterOperationRequest, dead_letter_id: string): Promise<string> {
    const { operation_id } = request;
    const stream = letterOperationStream(operation_id);
    const meta = { correlation_id: operation_id, causation_id: stream, actor: ACTOR };
    const outcome = await this.ports.ask({ request, dead_letter_id, cause: { meta } });
    return outcome.accepted ? 'accepted' : outcome.problem.code;
  }

  private async record(command: WithoutTime<LetterOperationCommand>, from: Known): Promise<void> {
    const stream = letterOperationStream(command.data.operation_id);
    const meta = { correlation_id: stream, causation_id: stream, actor: ACTOR };
    const timed = { ...command, at: instantOf(this.ports.now()) } as LetterOperationCommand;
    const result = await execute(this.ports.store, letterOperation, stream, timed, { meta, from });
    if (result instanceof Rejection) throw new Error(result.message);
  }
}

type Known = Snapshot<LetterOperation>;

type WithoutTime<C> = C extends LetterOperationCommand ? Omit<C, 'at'> : never;
