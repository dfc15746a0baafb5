import type {
  CompensationAction,
  MapStep,
  ParallelStep,
  OnError,
  Priority,
  RetryPolicy,
  WorkflowDefinition,
} from '@downbeat/contracts';
import type { Json } from '@downbeat/eventsourcing';
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

/** What every step has. */
export interface Common {
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
  /** The parallel or map step it stands in. */
  readonly parent: string | undefined;
  /** The branch of the parallel step it stands in. */
  readonly branch: string | undefined;
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
export interface CompiledSignalWait extends Common {
  readonly type: 'wait_for_signal';
  readonly signal: string;
  readonly timeoutMs: number | undefined;
  /** The payload when the time has passed; absent: it failed. */
  readonly fallback: Json | undefined;
  readonly output: Mapping;
}
export interface CompiledPublish extends Common {
  readonly type: 'publish';
  readonly event: string;
  readonly payload: Mapping;
}
/** Another run in the place of a call. */
export interface CompiledSubWorkflow extends Common {
  readonly type: 'sub_workflow';
  readonly workflowName: string;
  readonly workflowVersion: string | undefined;
  readonly call: Pick<Call, 'input' | 'retry' | 'rules'>;
  readonly output: Mapping;
  readonly isOptional: false;
  readonly onError: readonly OnError[];
  readonly undo: Pick<Call, 'input' | 'retry' | 'rules'>;
  readonly isUndoneWhenFailed: false;
}
/** Something is asked for, answered, and perhaps undone. */
export type CompiledRequest = CompiledCall | CompiledSubWorkflow;
export interface CompiledParallel extends Common {
  readonly type: 'parallel';
  readonly join: NonNullable<ParallelStep['join']>;
  readonly branches: readonly { readonly name: string; readonly first: Target }[];
  /** Every step in its branches, at any depth. */
  readonly inner: ReadonlySet<string>;
}
export interface CompiledMap extends Common {
  readonly type: 'map';
  readonly join: MapStep['join'];
  /** Fills one field, `items`. */
  readonly items: Mapping;
  readonly as: string;
  readonly itemsMax: number;
  readonly concurrency: number;
  readonly first: Target;
  readonly collect: Mapping;
  /** Every step for an item, at any depth. */
  readonly inner: ReadonlySet<string>;
}
export type CompiledGroup = CompiledParallel | CompiledMap;
export type CompiledStep =
  | CompiledCall
  | CompiledDecision
  | CompiledDelay
  | CompiledSignalWait
  | CompiledPublish
  | CompiledSubWorkflow
  | CompiledParallel
  | CompiledMap;

export const isRequest = (step: CompiledStep): step is CompiledRequest =>
  step.type === 'service_call' || step.type === 'sub_workflow';

export const isGroup = (step: CompiledStep): step is CompiledGroup =>
  step.type === 'parallel' || step.type === 'map';

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

/** The name in a step's address: `hold` of `hold#3`. */
export function nameOf(address: string): string {
  const end = address.indexOf('#');
  return end < 0 ? address : address.slice(0, end);
}

/**
 * @param address Of the step in a run; a name is the address of a step outside of maps.
 * @throws {RangeError} The definition has no such step: it is not the one the run was started with.
 */
export function stepOf(definition: CompiledDefinition, address: string): CompiledStep {
  const name = nameOf(address);
  const step = definition.steps.get(name);
  if (!step) throw new RangeError(`${definition.name} ${definition.version} has no step ${name}`);
  return step;
}
