import type { sagaContract } from '@downbeat/contracts';
import {
  epochMs,
  instantOf,
  type Instant,
  type Json,
  type JsonObject,
} from '@downbeat/eventsourcing';
import { nameOf, type CompiledDefinition } from '../definition/compiled';
import { errorIn } from '../run/caught';
import { describe } from '../run/classification';
import type {
  HeldBecause,
  IncidentAction,
  IncidentKind,
  IncidentOpened,
  RunEvent,
  UndoParked,
} from '../run/events';
import { measure } from './progress';

/** A step that was reached. */
export interface StepView {
  readonly step_name: string;
  /** Its place in the definition, from 1, steps of branches counted. */
  readonly step_order: number;
  readonly status: sagaContract.StepStatus;
  readonly input_data: JsonObject;
  readonly output_data?: Json;
  readonly started_at: Instant;
  readonly completed_at?: Instant;
  readonly duration_ms?: number;
  readonly retry_count: number;
  readonly error_message?: string;
  /** Its call has not been sent: why it waits. */
  readonly held_because?: HeldBecause;
  readonly is_group: boolean;
}

/** What `workflow-status` shows of a run, as plain JSON: a read model can keep it and fold it on. */
export interface RunView {
  readonly id: string;
  readonly workflow_name: string;
  readonly workflow_version: string;
  readonly correlation_id: string;
  readonly wedding_id?: string;
  readonly initiating_service: string;
  readonly current_status: sagaContract.WorkflowStatus;
  readonly current_step: number;
  readonly total_steps: number;
  readonly progress_percentage: number;
  readonly needs_attention: boolean;
  readonly paused: boolean;
  readonly started_at: Instant;
  readonly completed_at?: Instant;
  readonly duration_ms?: number;
  readonly archived_at?: Instant;
  readonly purged_at?: Instant;
  readonly context_data: JsonObject;
  readonly timeout_at: Instant;
  readonly compensation_strategy: string;
  readonly error_details?: {
    readonly step_name: string;
    readonly error_message: string;
    readonly retry_count: number;
  };
  readonly pause?: { readonly since: Instant; readonly reason?: string };
  /** What the run waits for a person with. */
  readonly incident?: {
    readonly incident_id: string;
    readonly kind: IncidentKind;
    readonly step_name: string;
    readonly message: string;
    readonly attempts: number;
    readonly since: Instant;
  };
  /** In the order in which they were reached. */
  readonly steps: readonly StepView[];
}

/** A row of `workflow-status`, steps that were not reached included. */
export interface StepRow extends Omit<StepView, 'started_at' | 'is_group'> {
  readonly id: string;
  readonly step_type: string;
  readonly service_name: string;
  readonly started_at?: Instant;
}

/** @returns The view after `event`; `undefined` before a run's first event. */
export function evolveRunView(view: RunView | undefined, event: RunEvent): RunView | undefined {
  if (event.type === 'WorkflowStarted') return begun(event.data);
  if (!view) return undefined;
  return measured(evolve(view, event));
}

/**
 * All steps of the definition in its order, those of a map once for each item that was begun: what
 * happened to each, and what still waits. What a run
 * that goes nowhere any more did not reach was skipped; a failed one can be retried.
 */
export function stepRows(view: RunView, definition: CompiledDefinition): readonly StepRow[] {
  const reached = new Map<string, StepView[]>();
  for (const step of view.steps) {
    const name = nameOf(step.step_name);
    reached.set(name, [...(reached.get(name) ?? []), step]);
  }
  const isOver = view.current_status === 'completed' || view.current_status === 'compensated';
  const unreached = isOver ? ('skipped' as const) : ('pending' as const);
  return [...definition.steps.values()].flatMap((step) => {
    const missing: Omit<StepView, 'started_at'> = {
      step_name: step.name,
      step_order: step.place,
      status: unreached,
      input_data: {},
      retry_count: 0,
      is_group: false,
    };
    return (reached.get(step.name) ?? [missing]).map(({ is_group: _, ...known }) => ({
      ...known,
      id: `${view.id}:${known.step_name}`,
      step_type: step.type,
      service_name: step.type === 'service_call' ? step.call.service_name : '',
    }));
  });
}

type Started = Extract<RunEvent, { type: 'WorkflowStarted' }>['data'];

const begun = (data: Started): RunView => ({
  id: data.workflow_id,
  workflow_name: data.workflow_name,
  workflow_version: data.workflow_version,
  correlation_id: data.correlation_id,
  ...(data.wedding_id === undefined ? {} : { wedding_id: data.wedding_id }),
  initiating_service: data.initiating_service,
  current_status: 'running',
  current_step: 0,
  total_steps: data.total_steps,
  progress_percentage: 0,
  needs_attention: false,
  paused: false,
  started_at: data.at,
  context_data: data.context_data,
  timeout_at: data.timeout_at,
  compensation_strategy: data.compensation_strategy,
  steps: [],
});

function evolve(view: RunView, event: Exclude<RunEvent, { type: 'WorkflowStarted' }>): RunView {
  switch (event.type) {
    case 'StepStarted':
      return reached(view, event.data, 'running', { input_data: event.data.input });
    case 'DelayStarted':
      return reached(view, event.data, 'running', {});
    case 'EventPublished': {
      const { event: name, payload: input_data, at } = event.data;
      const output_data = { event: name };
      return reached(view, event.data, 'completed', { input_data, output_data, ...end(at, at) });
    }
    case 'SignalAwaited': {
      const { signal, until = null } = event.data;
      return reached(view, event.data, 'running', { input_data: { signal, until } });
    }
    case 'ParallelStarted':
      return reached(view, event.data, 'running', { is_group: true });
    case 'MapStarted': {
      const input_data = { items: event.data.items };
      return reached(view, event.data, 'running', { is_group: true, input_data });
    }
    case 'MapItemStarted':
    case 'MapItemCompleted':
    case 'RaceUndoStarted':
      return view;
    case 'MapItemFailed': {
      const { step, message: error_message, within } = event.data;
      const failed = changed(view, step, (group) => ({ ...group, error_message }));
      return within ? failed : blamed(failed, event.data, 0);
    }
    case 'MapCompleted': {
      const { step, context: output_data, at } = event.data;
      return ended(written(view, event.data), step, 'completed', at, { output_data });
    }
    case 'RaceWon': {
      const output_data = { winner: event.data.branch };
      const { step } = event.data;
      return changed(written(view, event.data), step, (group) => ({ ...group, output_data }));
    }
    case 'GroupFailed': {
      const { step, reason, failed_step, within, at } = event.data;
      const told = within ? view : blamedFor(view, failed_step ?? step, reason);
      return ended(told, step, 'failed', at, { error_message: reason });
    }
    case 'DecisionTaken': {
      const { input, goto, at } = event.data;
      const output_data = { case: event.data.case ?? null, goto };
      return reached(view, event.data, 'completed', {
        input_data: input,
        output_data,
        ...end(at, at),
      });
    }
    case 'StepSkipped': {
      const { input, at } = event.data;
      return reached(view, event.data, 'skipped', { input_data: input, ...end(at, at) });
    }
    case 'StepRetried':
      return changed(withoutEnd(view), event.data.step, (step) => ({
        ...withoutEndOfStep(step),
        status: 'running',
        ...(event.data.input ? { input_data: event.data.input } : {}),
        retry_count: event.data.attempt - 1,
      }));
    case 'StepAttemptFailed':
    case 'UndoAttemptFailed':
      return changed(view, event.data.step, (step) => ({
        ...step,
        error_message: describe(event.data),
      }));
    case 'CallHeld': {
      const { because } = event.data;
      return changed(view, event.data.step, (step) => ({ ...step, held_because: because }));
    }
    case 'CallReleased':
      return changed(view, event.data.step, withoutHold);
    case 'StepCompleted': {
      const { output, at, step } = event.data;
      return ended(written(view, event.data), step, 'completed', at, { output_data: output });
    }
    case 'SignalReceived':
    case 'ParentTold':
      return view;
    case 'SignalTaken':
      return waitedFor(view, event.data, event.data.payload);
    case 'SignalMissed': {
      const { default: payload } = event.data;
      return payload === undefined ? view : waitedFor(view, event.data, payload);
    }
    case 'ParallelCompleted':
    case 'DelayElapsed':
      return ended(view, event.data.step, 'completed', event.data.at, {});
    case 'WaitAbandoned':
      return ended(view, event.data.step, 'skipped', event.data.at, {});
    case 'StepFailed': {
      const { step, message: error_message, attempts, optional, within, caught, at } = event.data;
      const known = view.steps.some(({ step_name }) => step_name === step);
      const begun = known ? view : reached(view, event.data, 'running', {});
      const failed = ended(begun, step, 'failed', at, { error_message });
      if (caught) {
        const context = errorIn(view.context_data, step, caught.error);
        return written(failed, { ...event.data, context });
      }
      // What stays in its branch is told only if the whole group fails.
      return optional || within ? failed : blamed(failed, event.data, attempts);
    }
    case 'WorkflowTimedOut': {
      if (view.error_details) return view;
      const error_message = 'the workflow timed out';
      return { ...view, error_details: { step_name: '', error_message, retry_count: 0 } };
    }
    case 'CompensationRequested':
      return { ...view, compensation_strategy: event.data.strategy };
    case 'CompensationStarted':
      return {
        ...withoutEnd(stopGroups(withoutIncident(view), event.data.at)),
        current_status: 'compensating',
      };
    case 'UndoStarted':
    case 'UndoRetried':
      return changed(withoutIncident(view), event.data.step, (step) => ({
        ...step,
        status: 'compensating',
      }));
    case 'StepCompensated':
      return changed(view, event.data.step, ({ error_message: _, ...step }) => ({
        ...step,
        status: 'compensated',
      }));
    case 'UndoParked':
    case 'IncidentOpened': {
      const { step: step_name, message: error_message } = event.data;
      // Why the run failed stays: what is wrong with the undo is the incident's to say.
      return {
        ...changed(view, step_name, (step) => ({ ...step, status: 'compensating', error_message })),
        needs_attention: true,
        incident: incidentOf(view, event),
      };
    }
    case 'IncidentResolved': {
      const { step, action } = event.data;
      return changed(withoutIncident(view), step, (one) => afterIncident(one, action));
    }
    case 'RunRetried': {
      const { timeout_at, context_patch } = event.data;
      if (timeout_at === undefined) return view;
      const { error_details: _, ...going } = withoutEnd(resumeGroups(view));
      const context_data = { ...view.context_data, ...context_patch };
      return { ...going, current_status: 'running', context_data, timeout_at };
    }
    case 'WorkflowPaused': {
      const { reason, at: since } = event.data;
      const pause = { since, ...(reason === undefined ? {} : { reason }) };
      return { ...view, paused: true, pause };
    }
    case 'WorkflowResumed': {
      const { pause: _, ...going } = view;
      const timeout_at = instantOf(epochMs(view.timeout_at) + event.data.paused_ms);
      return { ...going, paused: false, timeout_at };
    }
    case 'WorkflowMigrated': {
      const { to_version, total_steps, compensation_strategy, places = {} } = event.data;
      const isUndone = view.current_status === 'compensating';
      const steps = view.steps.map((step) => {
        const place = places[nameOf(step.step_name)];
        return place === undefined ? step : { ...step, step_order: place };
      });
      return {
        ...view,
        workflow_version: to_version,
        total_steps,
        // What it is being undone by was settled before.
        ...(isUndone ? {} : { compensation_strategy }),
        steps,
      };
    }
    case 'WorkflowCompleted':
      return { ...view, current_status: 'completed', ...end(view.started_at, event.data.at) };
    case 'WorkflowFailed': {
      const { step, reason, at } = event.data;
      return {
        ...blamedFor(stopGroups(withoutIncident(view), at), step, reason),
        current_status: 'failed',
        ...end(view.started_at, at),
      };
    }
    case 'WorkflowCompensated':
      return { ...view, current_status: 'compensated', ...end(view.started_at, event.data.at) };
    case 'WorkflowArchived':
      return { ...view, archived_at: event.data.at };
    case 'WorkflowRestored': {
      const { archived_at: _, ...atWork } = view;
      return atWork;
    }
    case 'WorkflowPurged':
      return { ...view, purged_at: event.data.at };
  }
}

const waitedFor = (
  view: RunView,
  data: Written & { readonly step: string; readonly at: Instant },
  output_data: Json,
): RunView => ended(written(view, data), data.step, 'completed', data.at, { output_data });

interface Written {
  readonly context: JsonObject;
  readonly scope?: string;
}

/** What a branch or an item has for itself is not the run's context. */
const written = (view: RunView, { context, scope }: Written): RunView =>
  scope === undefined ? { ...view, context_data: { ...view.context_data, ...context } } : view;

/** The first failure is the one that is told; a retry of the run begins anew. */
function blamed(
  view: RunView,
  { step: step_name, message: error_message }: { step: string; message: string },
  attempts: number,
): RunView {
  if (view.error_details) return view;
  const retry_count = Math.max(attempts - 1, 0);
  return { ...view, error_details: { step_name, error_message, retry_count } };
}

/** Whatever it was, a run that failed says why. */
function blamedFor(view: RunView, step: string | undefined, reason: string): RunView {
  const known = view.steps.find(({ step_name }) => step_name === step);
  const message = known?.error_message ?? reason;
  return blamed(view, { step: step ?? '', message }, (known?.retry_count ?? 0) + 1);
}

/** Before there were incidents, a parked undo was one without an id. */
const incidentOf = (
  { id }: RunView,
  event: UndoParked | IncidentOpened,
): NonNullable<RunView['incident']> => {
  const { step: step_name, message, attempts, at: since } = event.data;
  const { incident_id, kind } =
    event.type === 'IncidentOpened'
      ? event.data
      : { incident_id: `${id}:${step_name}:0`, kind: 'undo_failed' as const };
  return { incident_id, kind, step_name, message, attempts, since };
};

const withoutIncident = ({ incident: _, ...view }: RunView): RunView => ({
  ...view,
  needs_attention: false,
});

/** How a step looks that is not being undone any more. */
function afterIncident(step: StepView, action: IncidentAction): StepView {
  switch (action) {
    case 'retry':
      return step;
    case 'skip':
    case 'overtaken':
      return { ...step, status: step.output_data === undefined ? 'failed' : 'completed' };
    case 'done_by_hand':
      return { ...step, status: 'compensated' };
  }
}

function measured(view: RunView): RunView {
  const standings = view.steps.map((step) => ({
    place: step.step_order,
    isUnderWay: step.status === 'running' || isStoppedGroup(step),
    isGroup: step.is_group && step.status !== 'completed',
  }));
  const isCompleted = view.current_status === 'completed';
  return { ...view, ...measure(standings, view.total_steps, isCompleted) };
}

/** A step comes into sight, or is begun again after a retry of the run. */
function reached(
  view: RunView,
  {
    step: step_name,
    place: step_order,
    at: started_at,
  }: { step: string; place: number; at: Instant },
  status: StepView['status'],
  more: Partial<StepView>,
): RunView {
  const step: StepView = {
    step_name,
    step_order,
    status,
    input_data: {},
    started_at,
    retry_count: 0,
    is_group: false,
    ...more,
  };
  const others = view.steps.filter((other) => other.step_name !== step_name);
  return { ...view, steps: [...others, step] };
}

function ended(
  view: RunView,
  name: string,
  status: StepView['status'],
  at: Instant,
  more: Partial<StepView>,
): RunView {
  return changed(view, name, ({ error_message: _, ...step }) => ({
    ...withoutHold(step),
    status,
    ...end(step.started_at, at),
    ...more,
  }));
}

const changed = (view: RunView, name: string, change: (step: StepView) => StepView): RunView => ({
  ...view,
  steps: view.steps.map((step) => (step.step_name === name ? change(step) : step)),
});

/** A parallel step whose branches did not all complete has failed with them. */
const stopGroups = (view: RunView, at: Instant): RunView => ({
  ...view,
  steps: view.steps.map((step) =>
    step.is_group && step.status === 'running'
      ? { ...step, status: 'failed', ...end(step.started_at, at) }
      : step,
  ),
});

const isStoppedGroup = ({ is_group, status }: StepView): boolean => is_group && status === 'failed';

const resumeGroups = (view: RunView): RunView => ({
  ...view,
  steps: view.steps.map((step) =>
    isStoppedGroup(step) ? { ...withoutEndOfStep(step), status: 'running' } : step,
  ),
});

const end = (from: Instant, at: Instant) => ({
  completed_at: at,
  duration_ms: epochMs(at) - epochMs(from),
});

const withoutHold = ({ held_because: _, ...step }: StepView): StepView => step;

const withoutEnd = ({ completed_at: _, duration_ms: __, ...view }: RunView): RunView => view;

const withoutEndOfStep = ({
  completed_at: _,
  duration_ms: __,
  error_message: ___,
  ...step
}: StepView): StepView => step;
