import type { Deadline } from '../deadline/deadline';
import type { CallFailure } from './call-result';

/** When something stands in for an answer: for any failure, or only while the breaker is open. */
export type FallbackWhen = 'any-failure' | 'breaker-open';

/** What stands in for an answer that did not come. Never for one that says no. */
export type Fallback<Request, Answer> =
  | { readonly kind: 'value'; readonly when: FallbackWhen; readonly value: Answer }
  | {
      readonly kind: 'function';
      readonly when: FallbackWhen;
      /** Has as long as the caller waits. What it throws is the call's failure. */
      readonly of: (
        failure: CallFailure,
        request: Request,
        deadline: Deadline,
      ) => Answer | Promise<Answer>;
    };

/**
 * What a service says of a dependency. `fail_fast`: one attempt, and its failure. `default_response`: a
 * default for any failure. `circuit_breaker`: a default only while the breaker is open, so that single
 * failures are seen.
 */
export type FallbackStrategy = 'fail_fast' | 'default_response' | 'circuit_breaker';

export function standsInFor(when: FallbackWhen, failure: CallFailure): boolean {
  // Whoever gave up has no use for anything in its place.
  if (failure.isAnswer || failure.code === 'resilience/aborted') return false;
  return when === 'any-failure' || failure.code === 'resilience/breaker-open';
}
