/** What the first process hands to a worker: seeds to live through, or a planted bug to look for. */
export type Task =
  | { readonly task: 'seeds'; readonly first: number; readonly last: number }
  | {
      readonly task: 'tooth';
      readonly name: string;
      readonly first: number;
      readonly last: number;
    };

export interface Failure {
  readonly seed: number;
  readonly violations: readonly string[];
}

/** What a worker has to say of its task. */
export type Report =
  | {
      readonly task: 'seeds';
      /** The first few. */
      readonly failures: readonly Failure[];
      readonly failed: number;
      readonly seeds: number;
      readonly events: number;
      readonly happenings: number;
      readonly virtualMs: number;
      /** Of the worker's process. */
      readonly cpuMs: number;
      readonly counts: readonly (readonly [string, number])[];
    }
  | { readonly task: 'tooth'; readonly name: string; readonly found: Failure | undefined };

const FAILURES_MAX = 5;
const VIOLATIONS_MAX = 5;
const VIOLATION_LENGTH_MAX = 300;

/** Bounded, whatever went wrong. */
export const firstFew = (failures: readonly Failure[]): readonly Failure[] =>
  failures.slice(0, FAILURES_MAX).map(({ seed, violations }) => ({
    seed,
    violations: violations
      .slice(0, VIOLATIONS_MAX)
      .map((violation) => violation.slice(0, VIOLATION_LENGTH_MAX)),
  }));
