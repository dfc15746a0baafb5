import type {
  CompensationAction,
  OnError,
  Priority,
  RetryPolicy,
  WorkflowDefinition,
} from '@downbeat/contracts';
import type { Expression } from '../expressions/cel';
import type { Mapping, Source } from '../expressions/mapping';

/** A step's name, or `end`: the end of the sequence it stands in. */
export type Target = string;
export const END: Target = 'end';

/** A rule with everything it leaves to its policy filled in. */
export interface RetryRule extends Omit<RetryPolicy, 'retry_on' | 'rules'> {
  readonly match: readonly FailureClass[];
}
export type FailureClass = RetryPolicy['retry_on'][number];

/** A request to a service: a step's own, or the one that undoes it. */
export interface Call {
  readonly service_name: string;
  /** A path of its HTTP API, or `nats:<subject>`. */
  readonly endpoint: string;
  readonly method: CompensationAction['method'];
  readonly input: Mapping;
  readonly retry: RetryPolicy;
  /** The first that matches a failure governs it; else the policy does. */
  readonly rules: readonly RetryRule[];
  /** Per call. */
  readonly timeoutMs: number;
}

interface Common {
  readonly name: string;
  /** From 1, in reading order, the steps of branches counted. What the status shows as `step_order`. */
  readonly place: number;
  /** Where it stands in the definition: `steps.2.branches.0.steps.1`. */
  readonly path: string;
  /** The step is skipped when it is false. */
  readonly condition: Expression | undefined;
  readonly next: Target;
  /** The name of the savepoint behind it. */
  readonly savepoint: string | undefined;
  /** The parallel step whose branch it stands in. */
  readonly parent: string | undefined;
  /** The step of the outermost sequence it belongs to; itself there. */
  readonly group: string;
}

export interface CompiledCall extends Common {
  readonly type: 'service_call';
  readonly call: Call;
  readonly output: Mapping;
  readonly isOptional: boolean;
  readonly onError: readonly OnError[];
  readonly undo: Call | undefined;
  /** It is undone too when it was called and failed for sure. */
  readonly isUndoneWhenFailed: boolean;
}
export interface CompiledDecision extends Common {
  readonly type: 'decision';
  readonly cases: readonly { readonly when: Expression; readonly goto: Target }[];
  /** Where to go when no case holds. */
  readonly otherwise: Target;
}
export interface CompiledDelay extends Common {
  readonly type: 'delay';
  readonly delayMs: number;
}
export interface CompiledParallel extends Common {
  readonly type: 'parallel';
  readonly branches: readonly { readonly name: string; readonly first: Target }[];
  /** Every step in its branches, at any depth. */
  readonly inner: ReadonlySet<string>;
}
export type CompiledStep = CompiledCall | CompiledDecision | CompiledDelay | CompiledParallel;

/** A definition that was found sound, with its expressions parsed. Immutable: compile once, keep it. */
export interface CompiledDefinition {
  readonly name: string;
  readonly version: string;
  readonly strategy: WorkflowDefinition['compensation_strategy'];
  readonly timeoutMs: number;
  /** Of its runs, unless one is started with another. */
  readonly priority: Priority;
  /** What limits per key count a run under, from its start data. */
  readonly limitKey: Source | undefined;
  readonly first: Target;
  /** What the strategy `custom` undoes. */
  readonly customSteps: readonly string[];
  /** Steps of the outermost sequence by the names of their savepoints. */
  readonly savepoints: ReadonlyMap<string, string>;
  /** A step catches its failure: the context's key `errors` is the engine's. */
  readonly isCatching: boolean;
  /** By name, in reading order. */
  readonly steps: ReadonlyMap<string, CompiledStep>;
}

/** @throws {RangeError} The definition has no such step: it is not the one the run was started with. */
export function stepOf(definition: CompiledDefinition, name: string): CompiledStep {
  const step = definition.steps.get(name);
  if (!step) throw new RangeError(`${definition.name} ${definition.version} has no step ${name}`);
  return step;
}
