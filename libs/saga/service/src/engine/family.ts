import { LeaseLost, type Appended, type EventStore } from '@downbeat/event-store';
import { instantOf, Rejection, type EventMeta } from '@downbeat/eventsourcing';
import type { CommandOutcome } from '@downbeat/message-bus';
import {
  evolveRun,
  isStarted,
  NOT_STARTED,
  RULES,
  workflowStream,
  type CallResult,
  type ChildEffect,
  type ChildEnded,
  type CompensateWorkflow,
  type RetryWorkflow,
  type RunEvent,
  type RunState,
  type StartWorkflow,
  type TellParentEffect,
} from '@downbeat/saga-domain';
import type { Cause } from '@downbeat/service-host';
import type { DefinitionLibrary, KnownDefinition } from '../definitions/definition-library';
import type { CallContext } from '../targets/target-caller';
import { DefinitionPaused, RelativeUnreachable } from './errors';
import type { Asked } from './run-stream';
import type { Relatives } from './surroundings';
import { workflowIdOf } from './workflow-id';

/** What one run may say to another, whichever replica holds it. */
export type Word = CompensateWorkflow | RetryWorkflow | ChildEnded;

/** @throws A fault, when it is not known whether it arrived: to be said again. */
export type Reach = (word: Word, cause: Cause) => Promise<CommandOutcome>;

export interface FamilyPorts {
  readonly store: EventStore;
  readonly library: DefinitionLibrary;
  readonly start: (
    command: StartWorkflow,
    known: KnownDefinition,
    asked: Asked,
  ) => Promise<Appended | Rejection>;
  readonly reach: Reach;
  /** Whether no run of this workflow may begin for now. */
  readonly isPaused: (workflowName: string) => Promise<boolean>;
}

/** Codes of refusals that say: there is nothing to undo any more. */
const UNDONE: ReadonlySet<string> = new Set([
  'already-compensated',
  'nothing-to-compensate',
  'workflow-unknown',
]);
/** Codes that say: it is on its way, for somebody else. */
const UNDER_WAY: ReadonlySet<string> = new Set([
  'already-compensating',
  'workflow-running',
  'workflow-paused',
  'workflow-compensating',
]);
/** Codes that do not keep back what it has answered: the events of one that was purged are kept. */
const MAY_HAVE_COMPLETED: ReadonlySet<string> = new Set(['workflow-completed', 'workflow-purged']);
/** The run's own clock says when. */
const NOW = instantOf(0);

/** What a run has to do with the runs that stand for its steps, and with the one it is a step of. */
export class Family implements Relatives {
  constructor(private readonly ports: FamilyPorts) {}

  /**
   * Has the run started, retried or undone that stands for a step. Asking again changes nothing.
   *
   * @returns What is known at once; undefined: it will say itself when it has ended.
   */
  async ask(effect: ChildEffect, context: CallContext): Promise<CallResult | undefined> {
    if (effect.purpose === 'undo') return this.compensate(effect, context);
    return effect.attempt === 1 ? this.start(effect, context) : this.retry(effect, context);
  }

  /** Returns when the parent has recorded the end, or has no use for it. */
  async tell(id: string, { ended, ends }: TellParentEffect, context: CallContext): Promise<void> {
    const word = { type: 'ChildEnded', data: ended, at: NOW } as const;
    await this.say(word, causeOf(id, `${id}:end:${ends}`, context));
  }

  private async start(effect: ChildEffect, context: CallContext): Promise<CallResult | undefined> {
    const { workflow_name, workflow_version, correlation_id, wedding_id, parent } = effect;
    await this.requireBegun(workflow_name, workflowIdOf(correlation_id));
    const known = await this.ports.library.find(workflow_name, workflow_version);
    if (known instanceof Rejection) return { kind: 'refused', message: known.message };
    const { checksum, definition } = known;
    const data = {
      workflow_name,
      workflow_version: workflow_version ?? definition.version,
      correlation_id,
      ...(wedding_id === undefined ? {} : { wedding_id }),
      initiating_service: effect.initiating_service,
      context_data: effect.context_data as StartWorkflow['data']['context_data'],
    };
    const workflow_id = workflowIdOf(correlation_id);
    const { meta } = causeOf(parent.workflow_id, effect.key, context);
    const begin = {
      type: 'StartWorkflow',
      data,
      at: NOW,
      workflow_id,
      checksum,
      rules: RULES,
      parent,
    } as const;
    try {
      const result = await this.ports.start(begin, known, { meta, answer: () => ({}) });
      return result instanceof Rejection ? this.unlessThere(effect, result) : undefined;
    } catch (fault) {
      if (fault instanceof LeaseLost) throw unreachable(workflow_id);
      throw fault;
    }
  }

  /** A run that has begun is asked again as ever; one that has not waits, and its parent with it. */
  private async requireBegun(workflowName: string, workflowId: string): Promise<void> {
    if (!(await this.ports.isPaused(workflowName))) return;
    if (isStarted(await this.stateOf(workflowId))) return;
    throw new DefinitionPaused(`${workflowName} is paused`);
  }

  /** Another version may have been registered since it was started: then it is there all the same. */
  private async unlessThere(
    { correlation_id, parent }: ChildEffect,
    { message }: Rejection,
  ): Promise<CallResult | undefined> {
    const state = await this.stateOf(workflowIdOf(correlation_id));
    const there = isStarted(state) ? state.started.parent : undefined;
    const isOurs = there?.workflow_id === parent.workflow_id && there.step === parent.step;
    return isOurs ? undefined : { kind: 'refused', message };
  }

  private async retry(effect: ChildEffect, context: CallContext): Promise<CallResult | undefined> {
    const workflow_id = workflowIdOf(effect.correlation_id);
    const data = { workflow_id, retry_strategy: 'failed_steps' } as const;
    const cause = causeOf(effect.parent.workflow_id, `${effect.key}:${effect.attempt}`, context);
    const { attempt: parent_attempt } = effect;
    const outcome = await this.say({ type: 'RetryWorkflow', data, parent_attempt, at: NOW }, cause);
    if (outcome.accepted) return undefined;
    const { code, message } = outcome.problem;
    if (code === 'workflow-unknown') return this.start(effect, context);
    // By somebody else, and for no attempt of ours: it is asked again when it has ended.
    if (UNDER_WAY.has(code)) throw unreachable(workflow_id);
    if (!MAY_HAVE_COMPLETED.has(code)) return { kind: 'refused', message };
    // Somebody else has helped it on, and its parent was not waiting then.
    const state = await this.stateOf(workflow_id);
    return isStarted(state) && state.status === 'completed'
      ? { kind: 'ok', output: state.context }
      : { kind: 'refused', message };
  }

  private async compensate(
    effect: ChildEffect,
    context: CallContext,
  ): Promise<CallResult | undefined> {
    const { workflow_id: parent } = effect.parent;
    const workflow_id = workflowIdOf(effect.correlation_id);
    const reason = `${effect.step} of ${parent} is undone`;
    const data = { workflow_id, reason, compensation_strategy: 'all' } as const;
    const cause = causeOf(parent, `${effect.key}:${effect.attempt}`, context);
    const undo = { type: 'CompensateWorkflow', data, for_parent: true, at: NOW } as const;
    const outcome = await this.say(undo, cause);
    if (outcome.accepted) return undefined;
    const { code, message } = outcome.problem;
    if (UNDONE.has(code)) return { kind: 'ok', output: null };
    // By somebody else, and perhaps in part: it is asked again when it has ended.
    if (UNDER_WAY.has(code)) throw unreachable(workflow_id);
    return { kind: 'refused', message };
  }

  private async say(word: Word, cause: Cause): Promise<CommandOutcome> {
    try {
      return await this.ports.reach(word, cause);
    } catch (fault) {
      // Of the other run: this one is held as before.
      if (fault instanceof LeaseLost) throw unreachable(word.data.workflow_id);
      throw fault;
    }
  }

  private async stateOf(workflowId: string): Promise<RunState> {
    const past = await this.ports.store.load<RunEvent>(workflowStream(workflowId));
    return (past as readonly RunEvent[]).reduce(evolveRun, NOT_STARTED);
  }
}

const unreachable = (id: string): RelativeUnreachable =>
  new RelativeUnreachable(`the run ${id} is changing hands, or under way for somebody else`);

function causeOf(
  id: string,
  commandId: string,
  { correlationId, traceparent }: CallContext,
): Cause & { readonly meta: EventMeta } {
  const trace = traceparent === undefined ? {} : { traceparent };
  const meta = { correlation_id: correlationId, causation_id: id, actor: 'saga-engine', ...trace };
  return { meta, commandId };
}
