import { jsonBytes, PAYLOAD_BYTES_MAX, type Priority } from '@downbeat/contracts';
import type { Instant, JsonObject } from '@downbeat/eventsourcing';
import {
  stepOf,
  type Call,
  type CompiledDefinition,
  type CompiledSubWorkflow,
} from '../definition/compiled';
import type { ChildEnded, Purpose } from './commands';
import type { ParentRun, RunEvent } from './events';
import {
  isStarted,
  owesParent,
  type Calls,
  type Run,
  type RunState,
  type RunStatus,
} from './state';
import { delayTimer, retryTimer, signalTimer, undoTimer, WORKFLOW_TIMER } from './timers';

/** Call a service and answer with `CallAnswered` for the same purpose, step, attempt and `reissued`. */
export interface CallEffect {
  readonly effect: 'call';
  readonly purpose: Purpose;
  readonly step: string;
  readonly attempt: number;
  /**
   * `<run>:<step>`, of an undo `<run>:<step>:undo`; the same for every attempt. Of an edited input
   * `<run>:<step>:<attempt>`, of an undo that became another one by a migration
   * `<run>:<step>:undo:<attempt>`: the attempt since which it is.
   */
  readonly key: string;
  /** Of an undo: the key of what it undoes. */
  readonly undoes?: string;
  readonly service_name: string;
  readonly endpoint: string;
  readonly method: Call['method'];
  readonly input: JsonObject;
  readonly timeoutMs: number;
  /** An earlier process may have sent it already. */
  readonly reissued: boolean;
  /** The log says that it waits: it may be sent after `ReleaseCall` was recorded. */
  readonly isHeld: boolean;
  readonly priority: Priority;
  readonly limitKey?: string;
}

/**
 * Start the run that stands for a step, or have it undone. It says itself when it has ended; what is
 * known at once is answered with `CallAnswered`.
 */
export interface ChildEffect {
  readonly effect: 'run-child';
  readonly purpose: Purpose;
  readonly step: string;
  /** From 2 on: it has failed, and is to be retried. */
  readonly attempt: number;
  readonly key: string;
  readonly workflow_name: string;
  readonly workflow_version: string | undefined;
  /** The child's. */
  readonly correlation_id: string;
  readonly wedding_id: string | undefined;
  readonly initiating_service: string;
  readonly context_data: JsonObject;
  readonly parent: ParentRun;
}

/** Say `ChildEnded` to the parent, and when it has recorded that, `NoteParentTold` here. */
export interface TellParentEffect {
  readonly effect: 'tell-parent';
  readonly ends: number;
  readonly ended: ChildEnded['data'];
}

export type Effect =
  | CallEffect
  | ChildEffect
  | TellParentEffect
  /** At `due`, say `TimerDue`. Setting the same id again replaces it. */
  | { readonly effect: 'set-timer'; readonly timer_id: string; readonly due: Instant }
  /** Also of a call that waits for its turn ({@link heldCall}). Unknown ids are nothing to worry about. */
  | { readonly effect: 'cancel-timer'; readonly timer_id: string }
  /** Nothing will happen by itself any more; an operator has to act. */
  | { readonly effect: 'parked'; readonly step: string; readonly message: string }
  /** No timer runs and no held call goes until the run is resumed; calls under way go on. */
  | { readonly effect: 'paused' }
  /** The run has ended: drop its timers and give it up. */
  | { readonly effect: 'ended'; readonly status: 'completed' | 'failed' | 'compensated' };

/**
 * What has to be done after `events` were appended.
 *
 * @param events One append's events.
 * @param state The state after them.
 */
export function effectsOf(
  definition: CompiledDefinition,
  events: readonly RunEvent[],
  state: RunState,
): readonly Effect[] {
  if (!isStarted(state)) return [];
  if (events.some(({ type }) => type === 'WorkflowResumed'))
    return effectsOfResuming(definition, events, state);
  const effects: Effect[] = [];
  for (const event of events) {
    const effect = effectOf(definition, event, state);
    if (effect) effects.push(effect);
    if (effect?.effect === 'ended') effects.push(...tellParent(state));
  }
  return effects;
}

/**
 * Everything the run waits for is set anew. A call from before the pause may have been lost with its
 * process, so it is made again, by whoever does not have it under way.
 */
function effectsOfResuming(
  definition: CompiledDefinition,
  events: readonly RunEvent[],
  run: Run,
): readonly Effect[] {
  const begun = new Set(
    events.flatMap(({ type, data }) => {
      if (type === 'StepStarted' || type === 'StepRetried') return [`step ${data.step}`];
      return type === 'UndoStarted' || type === 'UndoRetried' ? [`undo ${data.step}`] : [];
    }),
  );
  return pendingEffects(definition, run).map((effect) =>
    effect.effect === 'call' && begun.has(`${effect.purpose} ${effect.step}`)
      ? { ...effect, reissued: false }
      : effect,
  );
}

/**
 * The same from the state alone, after a crash or a take-over: calls that were recorded and not
 * answered, timers that have not come due. What came due meanwhile is due at once. Of a paused run
 * nothing is.
 */
export function pendingEffects(definition: CompiledDefinition, state: RunState): readonly Effect[] {
  if (!isStarted(state)) return [];
  if (state.pause) return [{ effect: 'paused' }];
  switch (state.status) {
    case 'completed':
    case 'failed':
    case 'compensated':
      return [{ effect: 'ended', status: state.status }, ...tellParent(state)];
    case 'compensating':
      return pendingUndo(definition, state);
    case 'running':
      return pendingSteps(definition, state);
  }
}

function pendingSteps(definition: CompiledDefinition, run: Run): readonly Effect[] {
  const effects: Effect[] = run.halt
    ? []
    : [{ effect: 'set-timer', timer_id: WORKFLOW_TIMER, due: run.timeoutAt }];
  for (const [name, step] of run.steps) {
    if (step.status === 'calling')
      effects.push(stepCall(definition, run, name, step, !step.isHeld));
    if (step.status === 'waiting')
      effects.push(timer(retryTimer(name, step.attempt), step.retryAt));
    if (step.status === 'delaying') effects.push(timer(delayTimer(name), step.until));
    if (step.status === 'awaiting' && step.until !== undefined)
      effects.push(timer(signalTimer(name), step.until));
  }
  return run.compensation?.race === undefined
    ? effects
    : [...effects, ...pendingUndo(definition, run)];
}

function pendingUndo(definition: CompiledDefinition, run: Run): readonly Effect[] {
  const undo = run.compensation?.undo;
  const [step] = run.compensation?.remaining ?? [];
  if (!undo || step === undefined) return [];
  switch (undo.status) {
    case 'calling':
      return [undoCall(definition, run, step, undo, !undo.isHeld)];
    case 'waiting':
      return [timer(undoTimer(step, undo.attempt), undo.retryAt)];
    case 'parked':
      // Of a race: the rest of the run goes on.
      return run.status === 'running' ? [] : [{ effect: 'parked', step, message: undo.message }];
  }
}

function effectOf(definition: CompiledDefinition, event: RunEvent, run: Run): Effect | undefined {
  switch (event.type) {
    case 'WorkflowStarted':
      return timer(WORKFLOW_TIMER, event.data.timeout_at);
    case 'RunRetried':
      return event.data.timeout_at && timer(WORKFLOW_TIMER, event.data.timeout_at);
    case 'StepStarted':
    case 'StepRetried': {
      const { step } = event.data;
      const state = run.steps.get(step);
      return state?.status === 'calling'
        ? stepCall(definition, run, step, state, false)
        : undefined;
    }
    case 'UndoStarted':
    case 'UndoRetried': {
      const undo = run.compensation?.undo;
      const isCalling = undo?.status === 'calling';
      return isCalling ? undoCall(definition, run, event.data.step, undo, false) : undefined;
    }
    case 'StepAttemptFailed': {
      const { step, attempt, retry_at } = event.data;
      return retry_at && !run.pause ? timer(retryTimer(step, attempt), retry_at) : undefined;
    }
    case 'UndoAttemptFailed': {
      const { step, attempt, retry_at } = event.data;
      return retry_at && !run.pause ? timer(undoTimer(step, attempt), retry_at) : undefined;
    }
    case 'DelayStarted': {
      const { step, until, at } = event.data;
      return until > at ? timer(delayTimer(step), until) : undefined;
    }
    case 'SignalAwaited': {
      const { step, until } = event.data;
      const isAwaiting = run.steps.get(step)?.status === 'awaiting';
      return isAwaiting && until !== undefined ? timer(signalTimer(step), until) : undefined;
    }
    case 'SignalTaken':
      return { effect: 'cancel-timer', timer_id: signalTimer(event.data.step) };
    case 'WaitAbandoned':
      return { effect: 'cancel-timer', timer_id: event.data.timer_id };
    case 'StepFailed':
    case 'MapItemFailed':
    case 'GroupFailed':
      return run.halt && { effect: 'cancel-timer', timer_id: WORKFLOW_TIMER };
    case 'CompensationRequested':
      return { effect: 'cancel-timer', timer_id: WORKFLOW_TIMER };
    case 'WorkflowPaused':
      return { effect: 'paused' };
    case 'CallHeld':
      return run.pause && { effect: 'paused' };
    case 'UndoParked':
    case 'IncidentOpened': {
      const { step, message } = event.data;
      // Of a race: the rest of the run goes on.
      const isAlone = run.status !== 'running' && !run.pause;
      return isAlone ? { effect: 'parked', step, message } : undefined;
    }
    case 'WorkflowCompleted':
      return { effect: 'ended', status: 'completed' };
    case 'WorkflowFailed':
      return { effect: 'ended', status: 'failed' };
    case 'WorkflowCompensated':
      return { effect: 'ended', status: 'compensated' };
    case 'CallReleased':
    case 'ParentTold':
    case 'WorkflowMigrated':
    case 'StepCompleted':
    case 'StepSkipped':
    case 'DecisionTaken':
    case 'ParallelStarted':
    case 'ParallelCompleted':
    case 'MapStarted':
    case 'MapItemStarted':
    case 'MapItemCompleted':
    case 'MapCompleted':
    case 'RaceWon':
    case 'RaceUndoStarted':
    case 'DelayElapsed':
    case 'EventPublished':
    case 'SignalReceived':
    case 'SignalMissed':
    case 'WorkflowTimedOut':
    case 'CompensationStarted':
    case 'StepCompensated':
    case 'IncidentResolved':
    case 'WorkflowResumed':
    case 'WorkflowArchived':
    case 'WorkflowRestored':
    case 'WorkflowPurged':
      return undefined;
  }
}

const timer = (timer_id: string, due: Instant): Effect => ({ effect: 'set-timer', timer_id, due });

/** A call; for a run that stands for one, that run. */
function stepCall(
  definition: CompiledDefinition,
  run: Run,
  name: string,
  calls: Calls,
  reissued: boolean,
): CallEffect | ChildEffect {
  const step = stepOf(definition, name);
  if (step.type === 'sub_workflow') return childRun(run, 'step', name, step, calls);
  if (step.type !== 'service_call') throw new RangeError(`${name} is not a service_call`);
  const key = keyOf(run, name, calls.edition);
  return { ...target(run, 'step', name, step.call, calls, reissued), key };
}

function undoCall(
  definition: CompiledDefinition,
  run: Run,
  name: string,
  calls: Calls,
  reissued: boolean,
): CallEffect | ChildEffect {
  const step = stepOf(definition, name);
  if (step.type === 'sub_workflow') return childRun(run, 'undo', name, step, calls);
  if (step.type !== 'service_call' || !step.undo) throw new RangeError(`${name} has no undo`);
  const effect = run.effects.find((candidate) => candidate.step === name);
  const undoes = keyOf(run, name, effect?.edition);
  return {
    ...target(run, 'undo', name, step.undo, calls, reissued),
    key: [`${keyOf(run, name, undefined)}:undo`, calls.edition ?? []].flat().join(':'),
    undoes,
  };
}

const keyOf = ({ started }: Run, step: string, edition: number | undefined): string =>
  [started.workflow_id, step, ...(edition === undefined ? [] : [edition])].join(':');
function childRun(
  { started, timeoutAt }: Run,
  purpose: Purpose,
  step: string,
  { workflowName, workflowVersion }: CompiledSubWorkflow,
  { attempt, input }: Calls,
): ChildEffect {
  const { workflow_id, workflow_name, wedding_id } = started;
  const key = `${workflow_id}:${step}`;
  return {
    effect: 'run-child',
    purpose,
    step,
    attempt,
    key: purpose === 'undo' ? `${key}:undo` : key,
    workflow_name: workflowName,
    workflow_version: workflowVersion,
    // An id of somebody else's choice holds no number sign.
    correlation_id: key.replace('#', '@'),
    wedding_id,
    initiating_service: workflow_name,
    context_data: input,
    parent: {
      workflow_id,
      step,
      depth: (started.parent?.depth ?? 0) + 1,
      ...(attempt > 1 && purpose === 'step' ? { attempt } : {}),
      timeout_at: timeoutAt,
    },
  };
}

function tellParent(run: Run): readonly TellParentEffect[] {
  const { started, status, ends, context, endReason, parentAttempt: attempt } = run;
  const { parent } = started;
  if (!parent || !owesParent(run) || status === 'running' || status === 'compensating') return [];
  const { workflow_id, step } = parent;
  const reason = endReason === undefined ? {} : { reason: endReason };
  const isUndone = status === 'compensated';
  const asked = isUndone ? { for_parent: run.halt?.isForParent === true } : {};
  return [
    {
      effect: 'tell-parent',
      ends,
      ended: { workflow_id, step, status, attempt, ...asked, ...told(status, context), ...reason },
    },
  ];
}

/** What a parent can use of a context; it may have to travel to another process, in one message. */
function told(
  status: RunStatus,
  context: JsonObject,
): Pick<ChildEnded['data'], 'output' | 'oversized'> {
  if (status !== 'completed') return { output: {} };
  const bytes = jsonBytes(context);
  return bytes <= PAYLOAD_BYTES_MAX ? { output: context } : { output: {}, oversized: bytes };
}

const target = (
  { started }: Run,
  purpose: Purpose,
  step: string,
  call: Call,
  { attempt, input, isHeld }: Calls,
  reissued: boolean,
): Omit<CallEffect, 'key'> => ({
  effect: 'call',
  purpose,
  step,
  attempt,
  service_name: call.service_name,
  endpoint: call.endpoint,
  method: call.method,
  input,
  timeoutMs: call.timeoutMs,
  reissued,
  isHeld,
  priority: started.priority ?? 'normal',
  ...(started.limit_key === undefined ? {} : { limitKey: started.limit_key }),
});
