import type { JsonObject } from '@downbeat/eventsourcing';
import { ERRORS } from '../definition/check-errors';
import type { CompiledCall } from '../definition/compiled';
import { classOf, isMatched, type Failure } from './classification';
import type { CaughtError, StepFailed, StepOutcome } from './events';

/** How a step ended, before anybody asked whether that is caught. */
interface Ending {
  readonly outcome: StepOutcome;
  readonly message: string;
  readonly attempts: number;
  /** Of the last call, if there was one. */
  readonly failure?: Failure;
}

/** Where the step's `on_error` says to go on, and what expressions can read there. */
export function caughtBy(
  step: CompiledCall,
  { outcome, message, attempts, failure }: Ending,
): Pick<StepFailed['data'], 'caught'> {
  const found = step.onError.find(
    ({ match }) =>
      match.includes(outcome) || match.includes('any') || (failure && isMatched(failure, match)),
  );
  if (!found) return {};
  const error: CaughtError = {
    outcome,
    class: failure ? classOf(failure) : outcome === 'unusable' ? 'unusable' : 'input',
    ...(failure?.kind === 'answer' ? { status: failure.status } : {}),
    message,
    attempts,
  };
  return { caught: { goto: found.goto, error } };
}

/** The context with what was caught at `step` under `errors`. */
export function withError(context: JsonObject, step: string, error: CaughtError): JsonObject {
  const before = context[ERRORS];
  const isObject = before !== null && typeof before === 'object' && !Array.isArray(before);
  return { ...context, [ERRORS]: { ...(isObject ? (before as JsonObject) : {}), [step]: error } };
}
