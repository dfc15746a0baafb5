import { LeaseLost, Leases } from '@downbeat/event-store';
import { Fault, Rejection, type JsonObject } from '@downbeat/eventsourcing';
import { MessageBus, type CommandOutcome, type QueryOutcome } from '@downbeat/message-bus';
import {
  isStarted,
  workflowStream,
  type CompensateWorkflow,
  type RetryWorkflow,
} from '@downbeat/saga-domain';
import { accepted, refused, type Cause } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { RunEngine } from '../engine/run-engine';

type Operation = CompensateWorkflow | RetryWorkflow;

const FORWARD_TIMEOUT_MS = 5_000;
/** Asked of one replica: an operation on a run that it holds. */
export const replicaSubject = (owner: string): string => `query.saga.replica-${owner}`;

/** The replica that holds the run could not be asked; it may be gone and the run be taken over soon. */
export class HolderUnreachable extends Fault {
  override readonly name = 'HolderUnreachable';
  readonly code = 'saga/holder-unreachable';
  readonly remedy = 'retry';
}

/** Puts an operator's command to a run, on whichever replica holds it. */
@Injectable()
export class OperateWorkflow {
  constructor(
    private readonly engine: RunEngine,
    private readonly leases: Leases,
    private readonly bus: MessageBus,
  ) {}

  async carryOut(operation: Operation, cause: Cause): Promise<CommandOutcome> {
    try {
      return await this.here(operation, cause);
    } catch (fault) {
      if (!(fault instanceof LeaseLost)) throw fault;
      return this.forward(operation, cause);
    }
  }

  /** Answers another replica that has found this one to hold the run. */
  serve(owner: string): void {
    this.bus.answer(replicaSubject(owner), async (payload): Promise<QueryOutcome> => {
      const { operation, cause } = payload as { operation: Operation; cause: Cause };
      const outcome = await this.here(operation, cause);
      return { ok: true, position: outcome.accepted ? outcome.position : 0, data: outcome };
    });
  }

  private async here(operation: Operation, cause: Cause): Promise<CommandOutcome> {
    const { workflow_id } = operation.data;
    const result = await this.engine.tell(operation, {
      ...cause,
      answer: (state) => ({ workflow_id, status: isStarted(state) ? state.status : 'pending' }),
    });
    if (result instanceof Rejection) return refused(result);
    return accepted(result.position, result.answer ?? {}, result.repeated);
  }

  private async forward(operation: Operation, cause: Cause): Promise<CommandOutcome> {
    const holder = await this.leases.holder(workflowStream(operation.data.workflow_id));
    if (holder === undefined) throw new HolderUnreachable('the run is changing hands');
    const payload = { operation, cause } as unknown as JsonObject;
    const outcome = await this.bus.query(replicaSubject(holder), payload, {
      timeoutMs: FORWARD_TIMEOUT_MS,
    });
    if (!outcome.ok) throw new HolderUnreachable(outcome.problem.message);
    return outcome.data as CommandOutcome;
  }
}

