import { epochMs, instantOf, Rejection } from '@downbeat/eventsourcing';
import { aheadOf } from '../definition/check-data';
import { ERRORS } from '../definition/check-errors';
import { END, stepOf, type CompiledStep, type Target } from '../definition/compiled';
import { finish, walk } from './advance';
import type { RetryWorkflow } from './commands';
import type { Draft } from './draft';
import { closeIncident } from './incidents';
import { stillPaused } from './pause';
import { whyTooLarge } from './payload-limits';
import { undoAgain } from './resolve-incident';
import { opensIncidents } from './rules-version';
import { rejoinRaces } from './undone';

/** Lets a failed run go on, or a parked undo be tried again. */
export function retryRun(draft: Draft, command: RetryWorkflow): Rejection | undefined {
  if (draft.run.pause) return stillPaused;
  const target = targetOf(draft, command.data);
  if (target instanceof Rejection) return target;
  switch (draft.run.status) {
    case 'failed':
      return goOnFailed(draft, command, target);
    case 'compensating':
      return retryUndo(draft, command, target);
    case 'running':
      if (draft.run.compensation?.undo?.status === 'parked' && !draft.isHalted)
        return retryUndo(draft, command, target);
      return new Rejection('workflow-running', 'the run is still going on by itself');
    case 'completed':
      return new Rejection(
        'workflow-completed',
        'the run has completed; there is nothing to retry',
      );
    case 'compensated':
      return new Rejection(
        'already-compensated',
        'effects of the run were undone; start a new run instead',
      );
  }
}

type Request = RetryWorkflow['data'];

/** The step `from_step` names; `undefined` with the other strategies. */
function targetOf(draft: Draft, data: Request): CompiledStep | undefined | Rejection {
  const isNamed = data.from_step !== undefined;
  if (isNamed !== (data.retry_strategy === 'from_step'))
    return invalidFromStep('belongs to the strategy from_step, and is needed there');
  if (!isNamed) return undefined;
  for (const step of draft.definition.steps.values())
    if (step.place === data.from_step) return step;
  return invalidFromStep(`must be from 1 to ${draft.definition.steps.size}`);
}

const invalidFromStep = (message: string): Rejection =>
  new Rejection('invalid-input', `from_step ${message}`, 'invalid', [
    { field: 'from_step', message },
  ]);

const invalidPatch = (inside: string, message: string): Rejection =>
  new Rejection('invalid-input', `context_patch${inside} ${message}`, 'invalid', [
    { field: `context_patch${inside}`, message },
  ]);

function goOnFailed(
  draft: Draft,
  command: RetryWorkflow,
  target: CompiledStep | undefined,
): Rejection | undefined {
  const { data } = command;
  if (draft.definition.isCatching && Object.hasOwn(data.context_patch ?? {}, ERRORS))
    return invalidPatch(`.${ERRORS}`, 'is where the workflow keeps caught errors');
  const tooLarge = data.context_patch && whyTooLarge(draft, { it: data.context_patch });
  if (tooLarge !== undefined) return new Rejection('run-too-large', `context_patch: ${tooLarge}`);
  const jump = target && jumpTo(draft, target);
  if (jump instanceof Rejection) return jump;
  const { started } = draft.run;
  const timeoutMs = epochMs(started.timeout_at) - epochMs(started.at);
  const timeout_at = instantOf(epochMs(draft.at) + timeoutMs);
  const { context_patch } = data;
  const patch = context_patch ? { context_patch } : {};
  draft.record({ type: 'RunRetried', data: { ...retried(draft, command), ...patch, timeout_at } });
  if (jump)
    draft.record({
      type: 'StepSkipped',
      data: {
        step: jump.over.name,
        place: jump.over.place,
        reason: 'passed-over',
        input: {},
        goto: jump.to,
        at: draft.at,
      },
    });
  finish(draft, walk(draft, draft.definition.first), undefined);
  if (!draft.run.compensation?.undo) rejoinRaces(draft);
  return undefined;
}

/** What a retry from `target` passes over; nothing when `target` is what failed. */
function jumpTo(
  draft: Draft,
  target: CompiledStep,
): { readonly over: CompiledStep; readonly to: Target } | Rejection | undefined {
  const state = draft.run.steps.get(target.name);
  if (state?.status === 'passed')
    return new Rejection(
      'step-completed',
      `${target.name} is done, and a step that is done is never called again`,
    );
  if (state) return undefined;
  const over = stoppedAt(draft);
  const isAhead = over && aheadOf(over, draft.definition.steps).has(target.name);
  if (!isAhead)
    return new Rejection(
      'step-not-ahead',
      `${target.name} cannot follow where the run has stopped; name what failed, or an outer step ahead of it`,
    );
  return { over, to: target.name };
}

/** The step of the outermost sequence where the run came to a stop. */
function stoppedAt(draft: Draft): CompiledStep | undefined {
  let here = draft.definition.first;
  while (here !== END) {
    const step = stepOf(draft.definition, here);
    const state = draft.run.steps.get(here);
    if (state?.status === 'passed') here = state.goto ?? step.next;
    else if (state?.status === 'failed' && state.isOptional) here = state.goto ?? step.next;
    else return step;
  }
  return undefined;
}

function retryUndo(
  draft: Draft,
  command: RetryWorkflow,
  target: CompiledStep | undefined,
): Rejection | undefined {
  const { compensation } = draft.run;
  const undo = compensation?.undo;
  const [name] = compensation?.remaining ?? [];
  if (undo?.status !== 'parked' || name === undefined)
    return new Rejection('workflow-compensating', 'the run is being undone and is not parked');
  const { data } = command;
  if (data.context_patch)
    return invalidPatch('', 'belongs to a failed run; an undo reads what held when its step ended');
  if (target && target.name !== name)
    return new Rejection('step-not-parked', `${target.name} is not what is parked: ${name} is`);
  draft.record({ type: 'RunRetried', data: retried(draft, command) });
  if (opensIncidents(draft.run.started))
    closeIncident(draft, 'retry', { max_retries: data.max_retries });
  undoAgain(draft);
  return undefined;
}

const retried = (draft: Draft, { data, parent_attempt }: RetryWorkflow) => ({
  strategy: data.retry_strategy,
  ...(data.from_step === undefined ? {} : { from_step: data.from_step }),
  ...(data.max_retries === undefined ? {} : { max_retries: data.max_retries }),
  ...(parent_attempt === undefined ? {} : { parent_attempt }),
  at: draft.at,
});
