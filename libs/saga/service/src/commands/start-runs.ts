import { sagaContract, validate, type DataOf } from '@downbeat/contracts';
import { Fault, instantOf, Rejection, type JsonObject } from '@downbeat/eventsourcing';
import {
  MessageBus,
  NoAnswer,
  type CommandOutcome,
  type Problem,
  type QueryOutcome,
} from '@downbeat/message-bus';
import { isStarted, RULES } from '@downbeat/saga-domain';
import { accepted, problemOf, refused, type Cause } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { DefinitionLibrary } from '../definitions/definition-library';
import { PausedDefinitions } from '../definitions/paused-definitions';
import { EngineFull, TargetClogged } from '../engine/errors';
import { RunEngine } from '../engine/run-engine';
import { workflowIdOf } from '../engine/workflow-id';
import { ExpectedDurations } from '../projections/workflows/expected-durations';
import { RoomElsewhere } from './room-elsewhere';

const PASS_ON_TIMEOUT_MS = 5_000;

type StartData = DataOf<typeof sagaContract.startWorkflow>;

/** Asked of one process: to start a run for another, which has no room. */
const startsSubject = (process: string): string => `query.saga.starts-${process}`;

/** Starts runs: here, or where there is room. Over all bounds they are refused, and nothing is stored. */
@Injectable()
export class StartRuns {
  constructor(
    private readonly engine: RunEngine,
    private readonly library: DefinitionLibrary,
    private readonly durations: ExpectedDurations,
    private readonly elsewhere: RoomElsewhere,
    private readonly bus: MessageBus,
    private readonly paused: PausedDefinitions,
  ) {}

  /** @throws A fault, when it is not known what became of it: to be tried again. */
  async start(data: StartData, cause: Cause): Promise<CommandOutcome> {
    const outcome = await this.here(data, cause);
    if (outcome instanceof TargetClogged) return this.overloaded(outcome);
    if (!(outcome instanceof EngineFull)) return outcome;
    return (await this.passedOn(data, cause)) ?? this.overloaded(outcome);
  }

  /** Answers other replicas, which have no room. */
  serve(process: string): void {
    this.bus.answer(startsSubject(process), (payload) => this.answer(payload));
  }

  private async here(
    data: StartData,
    cause: Cause,
  ): Promise<CommandOutcome | EngineFull | TargetClogged> {
    const known = await this.library.find(data.workflow_name, data.workflow_version);
    if (known instanceof Rejection) return refused(known);
    const workflow_id = workflowIdOf(data.correlation_id);
    const paused = await this.paused.whyNoRun(data.workflow_name, workflow_id);
    if (paused) return refused(paused);
    const estimated_duration_minutes = this.durations.minutesOf(data.workflow_name);
    const { checksum } = known;
    try {
      const result = await this.engine.start(
        { type: 'StartWorkflow', data, at: NOW, workflow_id, checksum, rules: RULES },
        known,
        {
          ...cause,
          answer: (state) => ({
            workflow_id,
            correlation_id: data.correlation_id,
            status: isStarted(state) ? state.status : 'pending',
            estimated_duration_minutes,
          }),
        },
      );
      if (result instanceof Rejection) return refused(result);
      return accepted(result.position, result.answer ?? {}, result.repeated);
    } catch (fault) {
      if (fault instanceof EngineFull || fault instanceof TargetClogged) return fault;
      throw fault;
    }
  }

  /** @returns Undefined when nobody has room, or who had some does not answer. */
  private async passedOn(data: StartData, cause: Cause): Promise<CommandOutcome | undefined> {
    const process = this.elsewhere.take();
    if (process === undefined) return undefined;
    const payload = { data, cause } as unknown as JsonObject;
    try {
      const outcome = await this.bus.query(startsSubject(process), payload, {
        timeoutMs: PASS_ON_TIMEOUT_MS,
      });
      if (outcome.ok) return outcome.data as CommandOutcome;
      if (STARTED_NOTHING.has(outcome.problem.code)) return undefined;
      throw new StartInDoubt(outcome.problem.message);
    } catch (fault) {
      // Whoever is not there has started nothing; whoever is slow may have.
      if (fault instanceof NoAnswer && fault.why === 'nobody-answers') return undefined;
      throw fault;
    }
  }

  private async answer(payload: unknown): Promise<QueryOutcome> {
    const { data, cause } = payload as { readonly data?: unknown; readonly cause?: Cause };
    const valid = validate(sagaContract.startWorkflow.data, data);
    if (valid instanceof Rejection || cause === undefined)
      return { ok: false, problem: problemOf(valid instanceof Rejection ? valid : NO_CAUSE) };
    const outcome = await this.here(valid.value, cause);
    if (outcome instanceof EngineFull || outcome instanceof TargetClogged)
      return { ok: false, problem: this.problemOf(outcome) };
    return { ok: true, position: outcome.accepted ? outcome.position : 0, data: outcome };
  }

  private overloaded(why: EngineFull | TargetClogged): CommandOutcome {
    return { accepted: false, problem: this.problemOf(why) };
  }

  private problemOf({ message }: EngineFull | TargetClogged): Problem {
    return {
      code: sagaContract.OVERLOADED,
      message: `${message}; nothing was started`,
      kind: 'unavailable',
      hint: 'Runs under way are finished first. Ask again after retry_after_seconds, with the same id.',
      retry_after_seconds: this.engine.retryAfterSeconds(),
    };
  }
}

/** It is not known whether the replica that was to start a run has started it. */
class StartInDoubt extends Fault {
  override readonly name = 'StartInDoubt';
  readonly code = 'saga/start-in-doubt';
  readonly remedy = 'retry';
}

/** Codes of a replica that was asked and did not try. */
const STARTED_NOTHING: ReadonlySet<string> = new Set([
  sagaContract.OVERLOADED,
  'message-bus/too-many-queries',
]);
/** The run's own clock says when. */
const NOW = instantOf(0);
const NO_CAUSE = new Rejection('invalid-input', 'cause is missing', 'invalid');
