import type { EventStore } from '@downbeat/event-store';
import { Fault, instantOf } from '@downbeat/eventsourcing';
import type { CommandOutcome } from '@downbeat/message-bus';
import { bulkOperation, bulkStream, type BulkOperation } from '@downbeat/saga-domain';
import type { Cause, Clock } from '@downbeat/service-host';
import { EngineFull, EngineNotRunning } from '../engine/errors';
import type { Operation } from '../engine/operation';
import { Ledger } from '../ledger';

/** Runs are spoken to in slices, of which there are so many a second when the rate is higher. */
const SLICES_PER_SECOND = 5;
const TRY_AGAIN_MS = 1_000;
/** For so long a slice is said again because of runs that cannot be asked; those are passed over then. */
const PASSED_OVER_AFTER_MS = 60_000;
const OPERATIONS_AT_ONCE_MAX = 4;
const ACTOR = 'saga-bulk';

type Request = NonNullable<BulkOperation['request']>;

export interface RunnerPorts {
  readonly store: EventStore;
  readonly clock: Clock;
  /** @throws A fault, when it is not known what became of it: to be said again. */
  readonly say: (word: Operation, cause: Cause) => Promise<CommandOutcome>;
  /** Waits; returns early when `signal` is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onFault: (bulkId: string, fault: unknown) => void;
}

/**
 * Says the same to many runs at a bounded rate. What they answered is recorded slice by slice; a slice
 * that is said again gets the same answers, since each word has an id of its own.
 */
export class BulkRunner {
  private readonly inWork = new Map<string, Promise<void>>();
  /** Operations for which there is no room yet. */
  private readonly waiting = new Set<string>();
  private readonly stopping = new AbortController();

  constructor(private readonly ports: RunnerPorts) {}

  /** Goes on with these, as far as it does not already. */
  know(bulkIds: readonly string[]): void {
    for (const id of bulkIds) if (!this.inWork.has(id)) this.waiting.add(id);
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

  private async work(bulkId: string): Promise<void> {
    const { store, clock, onFault, pause } = this.ports;
    const ledger = new Ledger(bulkOperation, bulkStream(bulkId), ACTOR, store, clock);
    const { signal } = this.stopping;
    let slicedAt = clock.now();
    while (!signal.aborted) {
      try {
        await ledger.refresh();
        const { status, request, workflowIds, next } = ledger.state;
        if (status !== 'running' || !request) return;
        const begun = performance.now();
        const size = Math.max(1, Math.floor(request.rate_per_second / SLICES_PER_SECOND));
        const slice = workflowIds.slice(next, next + size);
        const isLastTry = clock.now() - slicedAt >= PASSED_OVER_AFTER_MS;
        const answers = await this.askAll(request, slice, isLastTry);
        const data = { bulk_id: bulkId, from: next, answers };
        await ledger.carryOut({ type: 'RecordAnswers', data });
        slicedAt = clock.now();
        const dueMs = (slice.length / request.rate_per_second) * 1_000;
        if (next + slice.length < workflowIds.length)
          await pause(Math.max(0, dueMs - (performance.now() - begun)), signal);
      } catch (fault) {
        onFault(bulkId, fault);
        await pause(TRY_AGAIN_MS, signal);
      }
    }
  }

  /**
   * Returns, or throws, when all have answered or failed: nobody is asked twice at once.
   *
   * @param isLastTry Then the code of the fault is the answer of a run that cannot be asked.
   */
  private async askAll(
    request: Request,
    ids: readonly string[],
    isLastTry: boolean,
  ): Promise<string[]> {
    const results = await Promise.allSettled(ids.map((id) => this.ask(request, id)));
    return results.map((result) => {
      if (result.status === 'fulfilled') return result.value;
      const fault: unknown = result.reason;
      const isOfTheRun = fault instanceof Fault && !isOfTheReplica(fault);
      if (isLastTry && isOfTheRun) return fault.code;
      throw fault;
    });
  }

  private async ask(request: Request, workflow_id: string): Promise<string> {
    const { bulk_id } = request;
    const meta = { correlation_id: bulk_id, causation_id: bulkStream(bulk_id), actor: ACTOR };
    const cause = { meta, commandId: `bulk:${bulk_id}:${workflow_id}` };
    const outcome = await this.ports.say(wordOf(request, workflow_id), cause);
    return outcome.accepted ? 'accepted' : outcome.problem.code;
  }
}

const isOfTheReplica = (fault: unknown): boolean =>
  fault instanceof EngineNotRunning || fault instanceof EngineFull;

/** The run's own clock says when. */
const NOW = instantOf(0);

function wordOf(
  { action, reason, max_retries, to_version = '' }: Request,
  workflow_id: string,
): Operation {
  switch (action) {
    case 'retry': {
      const budget = max_retries === undefined ? {} : { max_retries };
      const data = { workflow_id, retry_strategy: 'failed_steps' as const, ...budget };
      return { type: 'RetryWorkflow', data, at: NOW };
    }
    case 'compensate':
      return { type: 'CompensateWorkflow', data: { workflow_id, reason }, at: NOW };
    case 'pause':
      return { type: 'PauseWorkflow', data: { workflow_id, reason }, at: NOW };
    case 'resume':
      return { type: 'ResumeWorkflow', data: { workflow_id }, at: NOW };
    case 'archive':
      return { type: 'ArchiveWorkflow', data: { workflow_id }, at: NOW };
    case 'purge':
      return { type: 'PurgeWorkflow', data: { workflow_id }, at: NOW };
    case 'migrate':
      return { type: 'MigrateWorkflow', data: { workflow_id, to_version, reason }, at: NOW };
  }
}
