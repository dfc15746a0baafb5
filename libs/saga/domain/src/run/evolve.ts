import type {
  CallReleased,
  FailedCall,
  IncidentAction,
  IncidentOpened,
  RunEvent,
  StepCompleted,
  StepFailed,
  UndoParked,
} from './events';
import { withError } from './caught';
import { afterPause, dueInPause } from './paused-time';
import {
  isStarted,
  NOT_STARTED,
  type Calls,
  type Effected,
  type Incident,
  type Run,
  type RunState,
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
      timeoutAt: event.data.timeout_at,
      steps: new Map(),
      effects: [],
      halt: undefined,
      compensation: undefined,
      pause: undefined,
      incident: undefined,
      incidents: [],
      maxRetries: undefined,
    };
  if (!isStarted(state)) return NOT_STARTED;
  return evolveStarted(state, event);
}

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
    case 'CallHeld':
      return withHeld(run, event.data, true);
    case 'CallReleased':
      return withHeld(run, event.data, false);
    case 'StepCompleted':
      return completed(run, event.data);
    case 'StepFailed':
      return failed(run, event.data);
    case 'StepSkipped':
    case 'DecisionTaken': {
      const { step, place, goto } = event.data;
      return withStep(run, step, { status: 'passed', place, goto });
    }
    case 'ParallelStarted': {
      const { step, place } = event.data;
      return withStep(run, step, { status: 'branching', place });
    }
    case 'DelayStarted': {
      const { step, place, until } = event.data;
      return withStep(run, step, { status: 'delaying', place, until });
    }
    case 'ParallelCompleted':
    case 'DelayElapsed':
      return withStep(run, event.data.step, {
        status: 'passed',
        place: run.steps.get(event.data.step)?.place ?? 0,
      });
    case 'WaitAbandoned': {
      const before = run.steps.get(event.data.step);
      if (before?.status !== 'delaying') return run;
      return withStep(run, event.data.step, { status: 'abandoned', place: before.place });
    }
    case 'WorkflowTimedOut':
      return withHalt(run, 'the workflow timed out', undefined);
    case 'CompensationRequested': {
      const { reason, strategy, custom_steps: customSteps, to_savepoint: savepoint } = event.data;
      const step = run.halt?.step;
      return {
        ...run,
        halt: { reason, step, strategy, customSteps, savepoint, isRequested: true },
      };
    }
    case 'CompensationStarted': {
      const { reason, strategy, steps } = event.data;
      const compensation = { reason, strategy, remaining: steps, undo: undefined };
      return { ...run, status: 'compensating', compensation };
    }
    case 'UndoStarted':
      return withUndo(run, {
        status: 'calling',
        ...firstCall(event.data.input, event.data.attempt),
      });
    case 'UndoRetried': {
      const before = run.compensation?.undo;
      if (!before) return run;
      return withUndo(run, { status: 'calling', ...nextCall(run, before, event.data.attempt) });
    }
    case 'UndoAttemptFailed': {
      const before = run.compensation?.undo;
      if (before?.status !== 'calling') return run;
      return withUndo(run, afterFailure(run, before, event.data));
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
      const { step, action } = event.data;
      return afterIncident({ ...run, incident: undefined }, step, action);
    }
    case 'StepCompensated':
      return undone(run, event.data.step);
    case 'RunRetried': {
      const { max_retries: maxRetries, timeout_at: timeoutAt, context_patch } = event.data;
      if (timeoutAt === undefined) return { ...run, maxRetries };
      const context = { ...run.context, ...context_patch };
      return { ...run, status: 'running', context, timeoutAt, maxRetries, halt: undefined };
    }
    case 'WorkflowPaused':
      return { ...run, pause: { since: event.data.at } };
    case 'WorkflowResumed':
      return afterPause(run, event.data.paused_ms);
    case 'WorkflowCompleted':
      return { ...run, status: 'completed' };
    case 'WorkflowFailed':
      return { ...run, status: 'failed' };
    case 'WorkflowCompensated':
      return { ...run, status: 'compensated' };
  }
}

function completed(run: Run, { step, output, context: changes }: StepCompleted['data']): Run {
  // Own keys only are written, and none of a prototype: the definition was checked for them.
  const context = { ...run.context, ...changes };
  const place = run.steps.get(step)?.place ?? 0;
  const effect: Effected = { step, outcome: 'completed', context, output, ...editionOf(run, step) };
  return {
    ...withStep(run, step, { status: 'passed', place }),
    context,
    effects: effectsWith(run, effect),
  };
}

function failed(run: Run, data: StepFailed['data']): Run {
  const { step, place, outcome, message, output = {}, caught } = data;
  const isOptional = data.optional || caught !== undefined;
  const context = caught ? withError(run.context, step, caught.error) : run.context;
  const before = run.steps.get(step);
  const calls = before && 'attempt' in before ? callsOf(before) : firstCall({}, data.attempts);
  const next = withStep(run, step, {
    status: 'failed',
    place,
    outcome,
    isOptional,
    ...(caught ? { goto: caught.goto } : {}),
    message,
    ...calls,
  });
  const effects =
    outcome === 'failed' && !data.undo
      ? run.effects
      : effectsWith(run, { step, outcome, context, output, ...editionOf(run, step) });
  const withEffects = { ...next, context, effects };
  return isOptional ? withEffects : withHalt(withEffects, `${step} failed: ${message}`, step);
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

function afterIncident(run: Run, step: string, action: IncidentAction): Run {
  switch (action) {
    case 'retry':
      return run;
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

/** The first reason is the one that is told. */
const withHalt = (run: Run, reason: string, step: string | undefined): Run => ({
  ...run,
  halt: run.halt ?? {
    reason,
    step,
    strategy: undefined,
    customSteps: undefined,
    savepoint: undefined,
    isRequested: false,
  },
});

function withStep(run: Run, name: string, step: StepState): Run {
  return { ...run, steps: new Map(run.steps).set(name, step) };
}

function withHeld(run: Run, { purpose, step }: CallReleased['data'], isHeld: boolean): Run {
  if (purpose === 'undo') {
    const undo = run.compensation?.undo;
    return undo?.status === 'calling' ? withUndo(run, { ...undo, isHeld }) : run;
  }
  const state = run.steps.get(step);
  return state?.status === 'calling' ? withStep(run, step, { ...state, isHeld }) : run;
}

function withUndo(run: Run, undo: UndoState): Run {
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
  ...callsOf(before),
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

const callsOf = ({
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
