import { jsonBytes } from '@downbeat/contracts';
import type { Instant, JsonObject } from '@downbeat/eventsourcing';
import type {
  CallReleased,
  FailedCall,
  IncidentOpened,
  IncidentResolved,
  RunEvent,
  SignalMissed,
  SignalTaken,
  StepCompleted,
  StepFailed,
  UndoParked,
} from './events';
import { errorIn } from './caught';
import { evolveGroup, failedIn, resumeGroups } from './evolve-group';
import { migrated } from './evolve-migration';
import { afterPause, dueInPause } from './paused-time';
import { keepsEffects, leavesPassedRaces } from './rules-version';
import { contextIn, withChanges } from './scopes';
import {
  isStarted,
  NOT_STARTED,
  owesUndoing,
  type Calls,
  type Effected,
  type Incident,
  type Run,
  type RunState,
  addressee,
  type StepState,
  type UndoState,
} from './state';

/** Folds a run's events; needs no definition. An event that cannot follow is an error of the log. */
export function evolveRun(state: RunState, event: RunEvent): RunState {
  if (event.type === 'WorkflowStarted')
    return {
      status: 'running',
      started: event.data,
      context: event.data.context_data,
      scopes: new Map(),
      timeoutAt: event.data.timeout_at,
      steps: new Map(),
      effects: [],
      signals: [],
      halt: undefined,
      compensation: undefined,
      pause: undefined,
      incident: undefined,
      incidents: [],
      maxRetries: undefined,
      ends: 0,
      told: 0,
      parentAttempt: event.data.parent?.attempt ?? 1,
      bytes: bytesOf(event),
    };
  if (!isStarted(state)) return NOT_STARTED;
  return { ...evolveStarted(state, event), bytes: state.bytes + bytesOf(event) };
}

const bytesOf = ({ data }: RunEvent): number => jsonBytes(data as unknown as JsonObject);

function evolveStarted(run: Run, event: Exclude<RunEvent, { type: 'WorkflowStarted' }>): Run {
  switch (event.type) {
    case 'StepStarted': {
      const { step, place, input, attempt } = event.data;
      return withStep(run, step, { status: 'calling', place, ...firstCall(input, attempt) });
    }
    case 'StepRetried': {
      const { step, attempt, input } = event.data;
      const before = run.steps.get(step);
      if (before?.status !== 'waiting' && before?.status !== 'failed') return run;
      const { place } = before;
      return withStep(run, step, {
        status: 'calling',
        place,
        ...nextCall(run, before, attempt),
        ...(input ? { input, edition: attempt } : {}),
      });
    }
    case 'StepAttemptFailed': {
      const before = run.steps.get(event.data.step);
      if (before?.status !== 'calling') return run;
      const { place } = before;
      return withStep(run, event.data.step, {
        place,
        ...afterFailure(run, before, event.data),
      });
    }
    case 'CallHeld': {
      const { purpose, step, reissued = false } = event.data;
      const noted = purpose === 'undo' && reissued ? undoDoubted(run, step) : run;
      return withHeld(noted, event.data, (calls) => ({
        isHeld: true,
        isDoubtful: calls.isDoubtful || reissued,
      }));
    }
    case 'CallReleased':
      return withHeld(run, event.data, () => ({ isHeld: false }));
    case 'StepCompleted':
      return completed(run, event.data);
    case 'StepFailed':
      return failed(run, event.data);
    case 'StepSkipped': {
      const { step, place, goto, reason } = event.data;
      const passed = withStep(run, step, { status: 'passed', place, goto });
      // What a race in it was undoing stands, as what else was done in it does.
      return reason === 'passed-over' && leavesPassedRaces(run.started)
        ? { ...passed, compensation: undefined }
        : passed;
    }
    case 'DecisionTaken': {
      const { step, place, goto } = event.data;
      return withStep(run, step, { status: 'passed', place, goto });
    }
    case 'ParallelStarted':
    case 'ParallelCompleted':
    case 'MapStarted':
    case 'MapItemStarted':
    case 'MapItemCompleted':
    case 'MapItemFailed':
    case 'MapCompleted':
    case 'RaceWon':
    case 'RaceUndoStarted':
    case 'GroupFailed':
      return evolveGroup(run, event);
    case 'DelayStarted': {
      const { step, place, until } = event.data;
      return withStep(run, step, { status: 'delaying', place, until });
    }
    case 'EventPublished': {
      const { step, place } = event.data;
      return withStep(run, step, { status: 'passed', place });
    }
    case 'SignalAwaited': {
      const { step, place, signal, until, at: since } = event.data;
      return withStep(run, step, { status: 'awaiting', place, signal, since, until });
    }
    case 'SignalReceived': {
      const { signal, payload } = event.data;
      const heard = withHeard(run, run.pause && addressee(run, signal));
      return { ...heard, signals: [...run.signals, { signal, payload }] };
    }
    case 'SignalTaken': {
      const { signal, payload } = event.data;
      const text = JSON.stringify(payload);
      const taken = run.signals.findIndex(
        (kept) => kept.signal === signal && JSON.stringify(kept.payload) === text,
      );
      const signals = run.signals.filter((_, index) => index !== taken);
      return { ...waitedFor(run, event.data), signals };
    }
    case 'SignalMissed':
      // Without a default its failure follows in the same append.
      return event.data.default === undefined ? run : waitedFor(run, event.data);
    case 'DelayElapsed':
      return withStep(run, event.data.step, {
        status: 'passed',
        place: run.steps.get(event.data.step)?.place ?? 0,
      });
    case 'WaitAbandoned': {
      if (event.data.timer_id.startsWith('undo:')) return withUndo(run, undefined);
      const before = run.steps.get(event.data.step);
      if (before?.status !== 'delaying' && before?.status !== 'awaiting') return run;
      return withStep(run, event.data.step, { status: 'abandoned', place: before.place });
    }
    case 'WorkflowTimedOut':
      return failedIn(run, undefined, { reason: 'the workflow timed out', step: undefined });
    case 'CompensationRequested': {
      const { reason, strategy, custom_steps: customSteps, to_savepoint: savepoint } = event.data;
      const isForParent = event.data.for_parent ?? owesUndoing(run);
      const step = run.halt?.step;
      const asked = { strategy, customSteps, savepoint, isRequested: true, isForParent };
      return { ...run, halt: { reason, step, ...asked } };
    }
    case 'CompensationStarted': {
      const { reason, strategy, steps } = event.data;
      const compensation = { reason, strategy, remaining: steps, undo: undefined };
      return { ...run, status: 'compensating', compensation, incident: undefined };
    }
    case 'UndoStarted':
      return withUndo(undoCalled(run, event.data), {
        status: 'calling',
        ...firstCall(event.data.input, event.data.attempt),
        // One that was given up before goes on counting, with a budget of its own.
        spent: event.data.attempt - 1,
        ...(event.data.edition === undefined
          ? {}
          : { edition: event.data.edition, maxRetries: run.maxRetries }),
      });
    case 'UndoRetried': {
      const before = run.compensation?.undo;
      if (!before) return run;
      return withUndo(undoCalled(run, event.data), {
        status: 'calling',
        ...nextCall(run, before, event.data.attempt),
      });
    }
    case 'UndoAttemptFailed': {
      const before = run.compensation?.undo;
      if (before?.status !== 'calling') return run;
      const { step, outcome } = event.data;
      const noted = outcome === 'unknown' ? undoDoubted(run, step) : run;
      // Given up with the run: whoever undoes the rest begins it again.
      if (run.status === 'running' && run.halt) return withUndo(noted, undefined);
      return withUndo(noted, afterFailure(run, before, event.data));
    }
    case 'UndoParked': {
      const { step, attempts } = event.data;
      const id = `${run.started.workflow_id}:${step}:0`;
      return parked(run, { id, step, kind: attempts === 0 ? 'undo_input' : 'undo_failed' }, event);
    }
    case 'IncidentOpened': {
      const { incident_id: id, step, kind } = event.data;
      return parked(run, { id, step, kind }, event);
    }
    case 'IncidentResolved': {
      return afterIncident({ ...run, incident: undefined }, event.data);
    }
    case 'StepCompensated':
      return undone(run, event.data.step);
    case 'RunRetried': {
      const { max_retries: maxRetries, timeout_at: timeoutAt, context_patch } = event.data;
      const { parent_attempt: parentAttempt = run.parentAttempt } = event.data;
      if (timeoutAt === undefined) return { ...run, maxRetries, parentAttempt };
      // What a race was undoing is begun again.
      const compensation = run.compensation && { ...run.compensation, undo: undefined };
      return {
        ...resumeGroups(run),
        context: { ...run.context, ...context_patch },
        compensation,
        status: 'running',
        timeoutAt,
        maxRetries,
        parentAttempt,
        halt: undefined,
      };
    }
    case 'WorkflowPaused': {
      const isOfDefinition = event.data.definition_pause !== undefined;
      const pause = { since: event.data.at, heard: [] };
      return { ...run, pause: isOfDefinition ? { ...pause, isOfDefinition } : pause };
    }
    case 'WorkflowResumed':
      return afterPause(run, event.data.paused_ms);
    case 'WorkflowMigrated':
      return migrated(run, event.data);
    case 'WorkflowCompleted':
      return ended(run, 'completed', event.data);
    case 'WorkflowFailed':
      return ended(run, 'failed', event.data);
    case 'WorkflowCompensated':
      return ended(run, 'compensated', event.data);
    case 'ParentTold':
      return { ...run, told: event.data.ends };
    case 'WorkflowArchived':
      return { ...run, archived: event.data.run };
    case 'WorkflowRestored':
      return { ...run, archived: undefined };
    case 'WorkflowPurged':
      return { ...run, purgedAt: event.data.at };
  }
}

/** What waited for a person waits no more. */
const ended = (
  run: Run,
  status: Run['status'],
  { reason: endReason, at: endedAt }: { readonly reason?: string; readonly at: Instant },
): Run => ({
  ...run,
  status,
  ends: run.ends + 1,
  endReason,
  endedAt,
  incident: undefined,
});

/** In a pause, who was answered: what follows from it follows in this order. */
const withHeard = (run: Run, step: string | undefined): Run =>
  run.pause && step !== undefined
    ? { ...run, pause: { ...run.pause, heard: [...run.pause.heard, step] } }
    : run;

function completed(run: Run, data: StepCompleted['data']): Run {
  const { step, output, context: changes, scope } = data;
  const place = run.steps.get(step)?.place ?? 0;
  const next = withChanges(withStep(run, step, { status: 'passed', place }), scope, changes);
  const context = contextIn(next, scope);
  const effect: Effected = { step, outcome: 'completed', context, output, ...editionOf(run, step) };
  return withHeard({ ...next, effects: effectsWith(run, effect) }, step);
}

/** What a step waited for has changed the context, and the run goes on. */
function waitedFor(
  run: Run,
  { step, context: changes, scope }: SignalTaken['data'] | SignalMissed['data'],
): Run {
  const place = run.steps.get(step)?.place ?? 0;
  return withChanges(withStep(run, step, { status: 'passed', place }), scope, changes);
}

function failed(run: Run, data: StepFailed['data']): Run {
  const { step, place, outcome, message, output = {}, scope, caught } = data;
  const isOptional = data.optional || caught !== undefined;
  const before = run.steps.get(step);
  const calls = before && 'attempt' in before ? callsOf(before) : firstCall({}, data.attempts);
  const errors = caught ? errorIn(contextIn(run, scope), step, caught.error) : undefined;
  const stopped = withStep(run, step, {
    status: 'failed',
    place,
    outcome,
    isOptional,
    ...(caught ? { goto: caught.goto } : {}),
    message,
    ...calls,
  });
  const next = errors ? withChanges(stopped, scope, errors) : stopped;
  const context = contextIn(next, scope);
  const effect: Effected = { step, outcome, context, output, ...editionOf(run, step) };
  // What an earlier call has done is what there is to undo, with the answer that it gave.
  const had =
    outcome === 'failed' && keepsEffects(run.started)
      ? run.effects.find((one) => one.step === step && one.outcome !== 'failed')
      : undefined;
  const effects =
    outcome === 'failed' && !data.undo ? run.effects : effectsWith(run, had ?? effect);
  const withEffects = withHeard({ ...next, effects }, step);
  if (isOptional) return withEffects;
  return failedIn(withEffects, data.within, { reason: `${step} failed: ${message}`, step });
}

const parked = (
  run: Run,
  incident: Incident,
  { data: { message } }: UndoParked | IncidentOpened,
): Run => ({
  ...withUndo(run, {
    ...(run.compensation?.undo ?? firstCall({}, 0)),
    status: 'parked',
    message,
  }),
  incident,
  incidents: [...run.incidents, incident.id],
});

/** The undo's turn is over, whatever came of it. */
function passedBy(run: Run, name: string): Run {
  const { compensation } = run;
  if (!compensation) return run;
  const remaining = compensation.remaining.filter((step) => step !== name);
  return { ...run, compensation: { ...compensation, remaining, undo: undefined } };
}

const undone = (run: Run, name: string): Run => ({
  ...passedBy(run, name),
  effects: run.effects.filter(({ step }) => step !== name),
});

function afterIncident(run: Run, { step, action, max_retries }: IncidentResolved['data']): Run {
  switch (action) {
    case 'retry':
      return { ...run, maxRetries: max_retries };
    case 'overtaken':
      return withUndo(run, undefined);
    case 'skip':
      return passedBy(run, step);
    case 'done_by_hand':
      return undone(run, step);
  }
}

/** The newest word on a step is the one that counts, and its place in the order. */
const effectsWith = (run: Run, effect: Effected): readonly Effected[] => [
  ...(run.effects.some(({ step }) => step === effect.step)
    ? run.effects.filter(({ step }) => step !== effect.step)
    : run.effects),
  effect,
];

function withStep(run: Run, name: string, step: StepState): Run {
  return { ...run, steps: new Map(run.steps).set(name, step) };
}

function withHeld(
  run: Run,
  { purpose, step }: CallReleased['data'],
  changes: (calls: Calls) => Partial<Calls>,
): Run {
  if (purpose === 'undo') {
    const undo = run.compensation?.undo;
    return undo?.status === 'calling' ? withUndo(run, { ...undo, ...changes(undo) }) : run;
  }
  const state = run.steps.get(step);
  return state?.status === 'calling' ? withStep(run, step, { ...state, ...changes(state) }) : run;
}

/** An undo that is begun again goes on counting. */
const undoCalled = (
  run: Run,
  { step, attempt, edition }: { step: string; attempt: number; edition?: number },
): Run => ({
  ...run,
  effects: run.effects.map(({ isUndoAnew, ...effect }) => {
    if (effect.step !== step) return isUndoAnew ? { ...effect, isUndoAnew } : effect;
    const edited = edition === undefined ? {} : { undoEdition: edition };
    return { ...effect, undoAttempts: attempt, ...edited };
  }),
});

/** It may have taken effect: that stays so when it is given up, and begun again later. */
const undoDoubted = (run: Run, name: string): Run => ({
  ...run,
  effects: run.effects.map((effect) =>
    effect.step === name ? { ...effect, isUndoDoubtful: true } : effect,
  ),
});

function withUndo(run: Run, undo: UndoState | undefined): Run {
  const { compensation } = run;
  return compensation
    ? { ...run, compensation: { ...compensation, undo }, incident: undefined }
    : run;
}

const firstCall = (input: Calls['input'], attempt: number): Calls => ({
  input,
  attempt,
  spent: 0,
  byRule: {},
  maxRetries: undefined,
  isDoubtful: false,
  isHeld: false,
});

/** After a wait the budget goes on; after the end of one, an operator has given a new one. */
const nextCall = (
  run: Run,
  before: Calls & { readonly status: string },
  attempt: number,
): Calls => ({
  ...sentCallsOf(before),
  attempt,
  isHeld: false,
  ...(before.status === 'waiting'
    ? {}
    : { spent: before.attempt, byRule: {}, maxRetries: run.maxRetries }),
});

/** Without a next call it stays `calling` for the rest of the append, until its end is recorded. */
function afterFailure(
  run: Run,
  before: Calls,
  { outcome, retry_at, rule, at }: FailedCall,
): Calls & ({ status: 'calling' } | { status: 'waiting'; retryAt: FailedCall['at'] }) {
  const { byRule } = before;
  const calls = {
    ...callsOf(before),
    byRule: rule === undefined ? byRule : { ...byRule, [rule]: (byRule[rule] ?? 0) + 1 },
    isDoubtful: before.isDoubtful || outcome === 'unknown',
  };
  if (!retry_at) return { ...calls, status: 'calling' };
  return { ...calls, status: 'waiting', retryAt: dueInPause(run, retry_at, at) };
}

const editionOf = (run: Run, step: string): Pick<Effected, 'edition'> => {
  const calls = run.steps.get(step);
  return calls && 'edition' in calls ? { edition: calls.edition } : {};
};

const callsOf = (calls: Calls): Calls => ({
  ...sentCallsOf(calls),
  ...(calls.isAnew ? { isAnew: true } : {}),
});

const sentCallsOf = ({
  input,
  edition,
  attempt,
  spent,
  byRule,
  maxRetries,
  isDoubtful,
  isHeld,
}: Calls): Calls => ({
  input,
  ...(edition === undefined ? {} : { edition }),
  attempt,
  spent,
  byRule,
  maxRetries,
  isDoubtful,
  isHeld,
});
