import type { Priority } from '@downbeat/contracts';
import type { Instant, JsonObject } from '@downbeat/eventsourcing';
import { stepOf, type Call, type CompiledDefinition } from '../definition/compiled';
import type { Purpose } from './commands';
import type { RunEvent } from './events';
import { isStarted, type Calls, type Run, type RunState } from './state';
import { delayTimer, retryTimer, undoTimer, WORKFLOW_TIMER } from './timers';

/** Call a service and answer with `CallAnswered` for the same purpose, step, attempt and `reissued`. */
export interface CallEffect {
  readonly effect: 'call';
  readonly purpose: Purpose;
  readonly step: string;
  readonly attempt: number;
  /**
   * `<run>:<step>`, of an undo `<run>:<step>:undo`; the same for every attempt. Of an edited input
   * `<run>:<step>:<attempt>`, the attempt since which it is edited.
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

export type Effect =
  | CallEffect
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
      return [{ effect: 'ended', status: state.status }];
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
  }
  return effects;
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
      return [{ effect: 'parked', step, message: undo.message }];
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
      return undo && undoCall(definition, run, event.data.step, undo, false);
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
    case 'WaitAbandoned':
      return { effect: 'cancel-timer', timer_id: event.data.timer_id };
    case 'StepFailed':
      return event.data.optional || event.data.caught
        ? undefined
        : { effect: 'cancel-timer', timer_id: WORKFLOW_TIMER };
    case 'CompensationRequested':
      return { effect: 'cancel-timer', timer_id: WORKFLOW_TIMER };
    case 'WorkflowPaused':
      return { effect: 'paused' };
    case 'CallHeld':
      return run.pause && { effect: 'paused' };
    case 'UndoParked':
    case 'IncidentOpened': {
      const { step, message } = event.data;
      return run.pause ? undefined : { effect: 'parked', step, message };
    }
    case 'WorkflowCompleted':
      return { effect: 'ended', status: 'completed' };
    case 'WorkflowFailed':
      return { effect: 'ended', status: 'failed' };
    case 'WorkflowCompensated':
      return { effect: 'ended', status: 'compensated' };
    case 'CallReleased':
    case 'StepCompleted':
    case 'StepSkipped':
    case 'DecisionTaken':
    case 'ParallelStarted':
    case 'ParallelCompleted':
    case 'DelayElapsed':
    case 'WorkflowTimedOut':
    case 'CompensationStarted':
    case 'StepCompensated':
    case 'IncidentResolved':
    case 'WorkflowResumed':
      return undefined;
  }
}

const timer = (timer_id: string, due: Instant): Effect => ({ effect: 'set-timer', timer_id, due });

function stepCall(
  definition: CompiledDefinition,
  run: Run,
  name: string,
  calls: Calls,
  reissued: boolean,
): CallEffect {
  const step = stepOf(definition, name);
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
): CallEffect {
  const step = stepOf(definition, name);
  if (step.type !== 'service_call' || !step.undo) throw new RangeError(`${name} has no undo`);
  const effect = run.effects.find((candidate) => candidate.step === name);
  const undoes = keyOf(run, name, effect?.edition);
  return {
    ...target(run, 'undo', name, step.undo, calls, reissued),
    key: `${keyOf(run, name, undefined)}:undo`,
    undoes,
  };
}

const keyOf = ({ started }: Run, step: string, edition: number | undefined): string =>
  [started.workflow_id, step, ...(edition === undefined ? [] : [edition])].join(':');

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
