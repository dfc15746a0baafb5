import { fold, type Decider } from '../decider';
import type { Message } from '../message';
import { Rejection } from '../rejection';

/**
 * Given these events, when this command, then these events, nothing, or a refusal. Failures show
 * both sides as JSON, so the helper needs no test framework and domain tests stay pure.
 */
export function specification<State, Command extends Message, Event extends Message>(
  decider: Decider<State, Command, Event>,
) {
  return {
    given: (...past: readonly Event[]) => ({
      when: (command: Command) => {
        const decision = decider.decide(command, fold(decider, past));
        return {
          then: (...expected: readonly Event[]) => {
            if (decision instanceof Rejection)
              throw new Error(`rejected with ${decision.code}: ${decision.message}`);
            same(decision, expected);
          },
          thenNothing: () => same(decision instanceof Rejection ? decision.code : decision, []),
          thenRejected: (code: string) =>
            same(decision instanceof Rejection ? decision.code : decision, code),
        };
      },
    }),
  };
}

function same(actual: unknown, expected: unknown): void {
  const [is, should] = [canonical(actual), canonical(expected)];
  if (is !== should) throw new Error(`expected ${should}\nbut got  ${is}`);
}

/** JSON with sorted keys, so that the order in which fields were written does not matter. */
function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, inner: unknown) =>
      inner !== null && typeof inner === 'object' && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    2,
  );
}
