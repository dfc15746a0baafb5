import { epochMs, instantOf, Rejection, type Decider } from '@downbeat/eventsourcing';
import { canonicalJson } from '../definition/canonical-json';
import { ERRORS } from '../definition/check-errors';
import type { CompiledDefinition } from '../definition/compiled';
import { evaluateSource } from '../expressions/mapping';
import { finish, goOn, walk } from './advance';
import { answerStep, answerUndo } from './answers';
import { archiveRun, purgeRun, restoreRun, whyGone } from './archive-run';
import type { RunCommand, StartWorkflow, TimerDue } from './commands';
import { callAgain } from './call-again';
import { childEnded, noteParentTold } from './children';
import { compensateRun } from './compensate-run';
import { Draft } from './draft';
import type { RunEvent, WorkflowStarted } from './events';
import { evolveRun } from './evolve';
import { pauseRun, resumeRun } from './pause-run';
import { resolveIncident } from './resolve-incident';
import { holdCall, releaseCall } from './held-calls';
import { migrateRun } from './migrate-run';
import { retryRun } from './retry-run';
import { versionOf } from './run-version';
import { settle } from './settle';
import { missSignal, receiveSignal } from './signals';
import { isStarted, isUndoing, NOT_STARTED, type Calls, type Run, type RunState } from './state';
import { delayTimer, retryTimer, signalTimer, undoTimer, WORKFLOW_TIMER } from './timers';

const LIMIT_KEY_MAX = 128;

/** A decision together with the state it leads to, so that nobody has to fold its events again. */
export interface Transition {
  readonly events: readonly RunEvent[];
  readonly state: RunState;
}

/** The behaviour of one run of `definition`. Make it once per definition and keep it. */
export interface RunDecider extends Decider<RunState, RunCommand, RunEvent> {
  /** What `decide` says and where `evolve` would lead, in one go. */
  readonly transition: (command: RunCommand, state: RunState) => Transition | Rejection;
}

/**
 * @throws {RangeError} From `decide` and `transition`: the run goes by another definition.
 * @see Hector Garcia-Molina, Kenneth Salem, "Sagas", SIGMOD 1987.
 */
export function runDecider(definition: CompiledDefinition): RunDecider {
  const transition = (command: RunCommand, state: RunState): Transition | Rejection => {
    if (command.type === 'StartWorkflow') return start(definition, command, state);
    if (!isStarted(state))
      return new Rejection('workflow-unknown', 'there is no such workflow', 'not-found');
    requireSame(definition, state);
    const draft = new Draft(definition, state, command.at);
    const rejection = handle(draft, command);
    return rejection ?? { events: draft.events, state: draft.run };
  };
  return {
    initialState: NOT_STARTED,
    evolve: evolveRun,
    transition,
    decide: (command, state) => {
      const result = transition(command, state);
      return result instanceof Rejection ? result : result.events;
    },
  };
}

function handle(draft: Draft, command: Exclude<RunCommand, StartWorkflow>): Rejection | undefined {
  switch (command.type) {
    case 'CallAnswered':
      if (command.data.purpose === 'step') answerStep(draft, command);
      else answerUndo(draft, command);
      return undefined;
    case 'HoldCall':
      holdCall(draft, command);
      return undefined;
    case 'ReleaseCall':
      releaseCall(draft, command);
      return undefined;
    case 'TimerDue':
      timerDue(draft, command);
      return undefined;
    case 'CompensateWorkflow':
      return restoreRun(draft) ?? compensateRun(draft, command);
    case 'RetryWorkflow':
      return restoreRun(draft) ?? retryRun(draft, command);
    case 'SignalWorkflow':
      return whyGone(draft) ?? receiveSignal(draft, command);
    case 'ChildEnded':
      childEnded(draft, command);
      return undefined;
    case 'NoteParentTold':
      noteParentTold(draft, command);
      return undefined;
    case 'ResolveIncident':
      return whyGone(draft) ?? resolveIncident(draft, command);
    case 'PauseWorkflow':
      return whyGone(draft) ?? pauseRun(draft, command);
    case 'ResumeWorkflow':
      return whyGone(draft) ?? resumeRun(draft, command);
    case 'ArchiveWorkflow':
      return archiveRun(draft, command);
    case 'PurgeWorkflow':
      return purgeRun(draft);
    case 'MigrateWorkflow':
      return migrateRun(draft, command);
  }
}

function start(
  definition: CompiledDefinition,
  command: StartWorkflow,
  state: RunState,
): Transition | Rejection {
  if (isStarted(state))
    return isSameStart(state, command)
      ? { events: [], state }
      : new Rejection(
          'correlation-id-taken',
          `${command.data.correlation_id} is the correlation id of another workflow`,
        );
  const { data, at, workflow_id, checksum, rules, parent } = command;
  if (definition.isCatching && Object.hasOwn(data.context_data, ERRORS))
    return new Rejection('invalid-input', `context_data.${ERRORS} is the engine's`, 'invalid', [
      { field: `context_data.${ERRORS}`, message: 'is where the workflow keeps caught errors' },
    ]);
  const timeoutMs =
    data.timeout_minutes === undefined
      ? definition.timeoutMs
      : Math.round(data.timeout_minutes * 60_000);
  const timeoutAt = instantOf(epochMs(at) + timeoutMs);
  const started: WorkflowStarted = {
    type: 'WorkflowStarted',
    data: {
      workflow_id,
      workflow_name: definition.name,
      workflow_version: definition.version,
      checksum,
      ...(rules === undefined ? {} : { rules }),
      correlation_id: data.correlation_id,
      ...(data.wedding_id === undefined ? {} : { wedding_id: data.wedding_id }),
      initiating_service: data.initiating_service,
      context_data: data.context_data,
      compensation_strategy: definition.strategy,
      ...(data.timeout_minutes === undefined ? {} : { timeout_minutes: data.timeout_minutes }),
      ...(parent ? { parent } : {}),
      timeout_at: parent && parent.timeout_at < timeoutAt ? parent.timeout_at : timeoutAt,
      total_steps: definition.steps.size,
      ...admissionOf(definition, data),
      at,
    },
  };
  const run = evolveRun(NOT_STARTED, started);
  if (!isStarted(run)) return { events: [], state };
  const draft = new Draft(definition, run, at);
  finish(draft, walk(draft, definition.first), undefined);
  return { events: [started, ...draft.events], state: draft.run };
}

/** How much its calls matter, and whose they are; what is usual is left out. */
function admissionOf(
  definition: CompiledDefinition,
  { priority = definition.priority, context_data: context }: StartWorkflow['data'],
): Pick<WorkflowStarted['data'], 'priority' | 'limit_key'> {
  const key = definition.limitKey && evaluateSource(definition.limitKey, { context });
  const limit_key = typeof key === 'number' ? String(key) : key;
  return {
    ...(priority === 'normal' ? {} : { priority }),
    ...(typeof limit_key === 'string' ? { limit_key: limit_key.slice(0, LIMIT_KEY_MAX) } : {}),
  };
}

/** The same request sent twice is one request. */
function isSameStart({ started }: Run, { data, parent }: StartWorkflow): boolean {
  return (
    started.parent?.workflow_id === parent?.workflow_id &&
    started.parent?.step === parent?.step &&
    started.workflow_name === data.workflow_name &&
    (data.workflow_version ?? started.workflow_version) === started.workflow_version &&
    started.initiating_service === data.initiating_service &&
    started.wedding_id === data.wedding_id &&
    started.timeout_minutes === data.timeout_minutes &&
    (data.priority === undefined || data.priority === (started.priority ?? 'normal')) &&
    canonicalJson(started.context_data) === canonicalJson(data.context_data)
  );
}

/**
 * A timer that is no longer waited for changes nothing; nor does one of an earlier wait of the same
 * name, whose word comes only now: it says a time before the present wait is over.
 */
function timerDue(draft: Draft, { data: { timer_id: id } }: TimerDue): void {
  const { run, at } = draft;
  if (run.pause) return;
  if (isUndoing(run) && !(run.status === 'running' && run.halt)) {
    const undo = run.compensation?.undo;
    const [step] = run.compensation?.remaining ?? [];
    if (step !== undefined && undo?.status === 'waiting' && undoTimer(step, undo.attempt) === id) {
      if (at < undo.retryAt) return;
      return draft.record({ type: 'UndoRetried', data: { step, attempt: undo.attempt + 1, at } });
    }
  }
  if (run.status !== 'running' || run.halt) return;
  if (id === WORKFLOW_TIMER) {
    if (at < run.timeoutAt) return;
    draft.record({ type: 'WorkflowTimedOut', data: { at } });
    return settle(draft);
  }
  const [, name = ''] = id.split(':');
  const state = run.steps.get(name);
  if (state?.status === 'waiting' && retryTimer(name, state.attempt) === id) {
    if (at < state.retryAt) return;
    if (state.isAnew) return retryAnew(draft, name, state);
    draft.record({ type: 'StepRetried', data: { step: name, attempt: state.attempt + 1, at } });
  } else if (state?.status === 'delaying' && delayTimer(name) === id) {
    if (at < state.until) return;
    draft.record({ type: 'DelayElapsed', data: { step: name, at } });
    goOn(draft, draft.spotOf(name));
  } else if (state?.status === 'awaiting' && signalTimer(name) === id) {
    if (state.until === undefined || at < state.until) return;
    missSignal(draft, draft.spotOf(name));
  }
}

/** By the definition that the run has migrated to; every call before failed for sure. */
function retryAnew(draft: Draft, address: string, calls: Calls): void {
  const spot = draft.spotOf(address);
  const goto = callAgain(draft, spot, { ...calls, outcome: 'failed' });
  if (draft.run.steps.get(address)?.status !== 'calling') goOn(draft, spot, goto);
}

function requireSame(definition: CompiledDefinition, run: Run): void {
  const { workflow_name: name } = run.started;
  const version = versionOf(run);
  if (name !== definition.name || version !== definition.version)
    throw new RangeError(
      `the run goes by ${name} ${version}, not ${definition.name} ${definition.version}`,
    );
}
