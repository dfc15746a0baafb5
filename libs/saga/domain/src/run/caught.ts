import type { JsonObject } from '@downbeat/eventsourcing';
import { ERRORS } from '../definition/check-errors';
import { nameOf, type CompiledRequest } from '../definition/compiled';
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
  step: CompiledRequest,
  { outcome, message, attempts, failure }: Ending,
): Pick<StepFailed['data'], 'caught'> {
  const found = step.onError.find(
    ({ match }) =>
      match.includes(outcome) || match.includes('any') || (failure && isMatched(failure, match)),
  );
  if (!found) return {};
  const error: CaughtError = {
    outcome,
    class: failure ? classIn(step, failure) : outcome === 'unusable' ? 'unusable' : 'input',
    ...(failure?.kind === 'answer' ? { status: failure.status } : {}),
    message,
    attempts,
  };
  return { caught: { goto: found.goto, error } };
}

/** A run that stands for a step fails in a way of its own. */
const classIn = ({ type }: CompiledRequest, failure: Failure): string =>
  type === 'sub_workflow' ? type : classOf(failure);

/** What changes in a context when an error is caught at this address: `errors.<step>`. */
export const errorIn = (context: JsonObject, address: string, error: CaughtError): JsonObject => ({
  [ERRORS]: { ...errorsOf(context), [nameOf(address)]: error },
});

/** The errors that were caught so far. */
export function errorsOf({ [ERRORS]: errors }: JsonObject): JsonObject {
  const isObject = errors !== null && typeof errors === 'object' && !Array.isArray(errors);
  return isObject ? (errors as JsonObject) : {};
}
