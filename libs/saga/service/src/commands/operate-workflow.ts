import { sagaContract, validate } from '@downbeat/contracts';
import { LeaseLost, Leases } from '@downbeat/event-store';
import { Fault, instantOf, Rejection, type JsonObject } from '@downbeat/eventsourcing';
import {
  MessageBus,
  NoAnswer,
  type CommandOutcome,
  type QueryOutcome,
} from '@downbeat/message-bus';
import { isStarted, workflowStream, type RunState } from '@downbeat/saga-domain';
import { accepted, problemOf, refused, type Cause } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { EngineFull } from '../engine/errors';
import { runOf, type Operation } from '../engine/operation';
import { processOf } from '../engine/replica';
import { RunEngine, type Speaker } from '../engine/run-engine';
import { RoomElsewhere } from './room-elsewhere';

const FORWARD_TIMEOUT_MS = 5_000;
/** A holder that is gone is missed after its lease of 3 s; the run changes hands soon after. */
const TRIES_MS = 15_000;
const TRY_PAUSE_MS = 500;

/** Asked of one process: an operation on a run that it holds. */
const processSubject = (process: string): string => `query.saga.replica-${process}`;

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
    private readonly elsewhere: RoomElsewhere,
  ) {}

  /** @throws {HolderUnreachable} @throws {EngineFull} Nobody had room for a run that rests. */
  async carryOut(operation: Operation, cause: Cause): Promise<CommandOutcome> {
    let full: EngineFull | undefined;
    for (const begun = performance.now(); performance.now() - begun < TRIES_MS;) {
      const outcome = await this.here(operation, cause, 'outsider');
      full = outcome instanceof EngineFull ? outcome : undefined;
      if (outcome && !(outcome instanceof EngineFull)) return outcome;
      const other = full && this.elsewhere.take();
      const said = await this.forward(operation, cause, 'outsider', other);
      if (said) return said;
      await pause(TRY_PAUSE_MS);
    }
    throw full ?? new HolderUnreachable('the replica that holds the run does not answer');
  }

  /** Answers another replica that has found this process to hold the run. */
  serve(process: string): void {
    this.engine.reachBy((word, cause) => this.say(word, cause, process));
    this.bus.answer(processSubject(process), (payload) => this.answer(payload));
  }

  /**
   * The same for what one run says to another: whoever holds that one must hear it. An answer that
   * was recorded before, and lost, would be told from the log anywhere; its holder might never know.
   *
   * @throws {HolderUnreachable}
   */
  private async say(word: Operation, cause: Cause, process: string): Promise<CommandOutcome> {
    for (const begun = performance.now(); performance.now() - begun < TRIES_MS;) {
      const holder = await this.leases.holder(workflowStream(runOf(word)));
      const isHere = holder === undefined || processOf(holder) === process;
      const outcome = isHere
        ? await this.here(word, cause, 'relative')
        : await this.forward(word, cause, 'relative');
      if (outcome && !(outcome instanceof EngineFull)) return outcome;
      await pause(TRY_PAUSE_MS);
    }
    throw new HolderUnreachable('the replica that holds the run does not answer');
  }

  private async answer(payload: unknown): Promise<QueryOutcome> {
    const { operation, cause, speaker } = payload as {
      readonly operation?: Partial<Operation>;
      readonly cause?: Cause;
      readonly speaker?: Speaker;
    };
    const valid = validOperation(operation ?? {});
    if (valid instanceof Rejection || cause === undefined)
      return { ok: false, problem: problemOf(valid instanceof Rejection ? valid : NO_CAUSE) };
    const outcome = await this.here(valid, cause, speaker === 'relative' ? speaker : 'outsider');
    if (!outcome || outcome instanceof EngineFull)
      return { ok: false, problem: problemOf(NOT_HERE) };
    return { ok: true, position: outcome.accepted ? outcome.position : 0, data: outcome };
  }

  /** @returns Undefined when another process holds the run. */
  private async here(
    operation: Operation,
    cause: Cause,
    speaker: Speaker,
  ): Promise<CommandOutcome | EngineFull | undefined> {
    const answer = (state: RunState): JsonObject => answerOf(operation, state);
    try {
      const result = await this.engine.tell(operation, { ...cause, answer }, speaker);
      if (result instanceof Rejection) return refused(result);
      return accepted(result.position, result.answer ?? {}, result.repeated);
    } catch (fault) {
      if (fault instanceof LeaseLost) return undefined;
      if (fault instanceof EngineFull) return fault;
      throw fault;
    }
  }

  /**
   * @param other Whom to ask when nobody holds the run now.
   * @returns Undefined when there is nobody to ask, or who was asked does not answer.
   */
  private async forward(
    operation: Operation,
    cause: Cause,
    speaker: Speaker,
    other?: string,
  ): Promise<CommandOutcome | undefined> {
    const holder = await this.leases.holder(workflowStream(runOf(operation)));
    const process = holder === undefined ? other : processOf(holder);
    if (process === undefined) return undefined;
    const payload = { operation, cause, speaker } as unknown as JsonObject;
    try {
      const outcome = await this.bus.query(processSubject(process), payload, {
        timeoutMs: FORWARD_TIMEOUT_MS,
      });
      return outcome.ok ? (outcome.data as CommandOutcome) : undefined;
    } catch (fault) {
      if (fault instanceof NoAnswer) return undefined;
      throw fault;
    }
  }
}

function answerOf(operation: Operation, state: RunState): JsonObject {
  const workflow_id = runOf(operation);
  if (!isStarted(state)) return { workflow_id, status: 'pending' };
  const { status } = state;
  switch (operation.type) {
    case 'CompensateWorkflow':
    case 'RetryWorkflow':
    case 'SignalWorkflow':
    case 'ArchiveWorkflow':
    case 'PurgeWorkflow':
    case 'ChildEnded':
      return { workflow_id, status };
    case 'ResolveIncident':
      return { incident_id: operation.data.incident_id, workflow_id, status };
    case 'PauseWorkflow':
    case 'ResumeWorkflow':
      return { workflow_id, status, paused: state.pause !== undefined };
    case 'MigrateWorkflow':
      // Asking for what it goes by already changes nothing, and so does what is done.
      return { workflow_id, status, workflow_version: operation.data.to_version };
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const NOT_HERE = new Rejection('not-held-here', 'another replica holds the run');
const NO_CAUSE = new Rejection('invalid-input', 'cause is missing', 'invalid');

const childEnded = z.strictObject({
  workflow_id: z.uuid(),
  step: z.string(),
  status: z.enum(['completed', 'failed', 'compensated']),
  attempt: z.int().min(1).exactOptional(),
  for_parent: z.boolean().exactOptional(),
  output: z.record(z.string(), z.json()),
  oversized: z.int().min(1).exactOptional(),
  reason: z.string().exactOptional(),
});

const OPERATIONS: Readonly<Record<Operation['type'], z.ZodType>> = {
  CompensateWorkflow: sagaContract.compensateWorkflow.data,
  RetryWorkflow: sagaContract.retryWorkflow.data,
  SignalWorkflow: sagaContract.signalWorkflow.data,
  ResolveIncident: sagaContract.resolveIncident.data,
  PauseWorkflow: sagaContract.pauseWorkflow.data,
  ResumeWorkflow: sagaContract.resumeWorkflow.data,
  ArchiveWorkflow: z.strictObject({ workflow_id: z.uuid() }),
  PurgeWorkflow: z.strictObject({ workflow_id: z.uuid() }),
  MigrateWorkflow: sagaContract.migrateWorkflow.data,
  ChildEnded: childEnded,
};

/** What comes over the bus is checked, whoever sent it. */
function validOperation(operation: Partial<Operation>): Operation | Rejection {
  const { type, data } = operation;
  const schema = type !== undefined && Object.hasOwn(OPERATIONS, type) && OPERATIONS[type];
  if (!schema) return new Rejection('invalid-input', 'operation.type is no operation', 'invalid');
  const valid = validate(schema, data);
  if (valid instanceof Rejection) return valid;
  const at = instantOf(0); // The run's own clock says when.
  const { parent_attempt, for_parent, definition_pause } = operation as {
    readonly parent_attempt?: number;
    readonly for_parent?: boolean;
    readonly definition_pause?: number;
  };
  const asked = {
    ...(Number.isInteger(parent_attempt) ? { parent_attempt } : {}),
    ...(for_parent === true ? { for_parent } : {}),
    ...(Number.isInteger(definition_pause) ? { definition_pause } : {}),
  };
  return { type, at, data: valid.value, ...asked } as Operation;
}
