import { workflowDefinition, type WorkflowDefinition } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { compileDefinition } from '../definition/compile';
import type { CompiledDefinition } from '../definition/compiled';

type Loose = Readonly<Record<string, unknown>>;

/** A definition with the contract's defaults filled in, as it would arrive. */
export const definitionOf = (steps: readonly Loose[], more: Loose = {}): WorkflowDefinition =>
  workflowDefinition.parse({ name: 'book', version: '1.0.0', steps, ...more });

/** @throws {RangeError} The definition is refused. */
export function compiled(steps: readonly Loose[], more: Loose = {}): CompiledDefinition {
  const definition = compileDefinition(definitionOf(steps, more));
  if (definition instanceof Rejection) throw new RangeError(JSON.stringify(definition.errors));
  return definition;
}

/** A call to the service and endpoint of its own name that can be undone, without retries. */
export const call = (name: string, more: Loose = {}): Loose => ({
  name,
  type: 'service_call',
  service_name: name,
  endpoint: `/${name}`,
  retry_policy: { max_retries: 0 },
  compensation_action: {
    service_name: name,
    endpoint: `/${name}/undo`,
    retry_policy: { max_retries: 0 },
  },
  ...more,
});

/** The same, without an undo. */
export const fixedCall = (name: string, more: Loose = {}): Loose => ({
  ...call(name, more),
  compensation_action: undefined,
});

export const delay = (name: string, seconds = 60): Loose => ({
  name,
  type: 'delay',
  delay_seconds: seconds,
});

/** Waits for the signal of its own name. */
export const signalWait = (name: string, more: Loose = {}): Loose => ({
  name,
  type: 'wait_for_signal',
  signal: name,
  ...more,
});

export const parallel = (name: string, ...branches: readonly (readonly Loose[])[]): Loose => ({
  name,
  type: 'parallel',
  branches: branches.map((steps, index) => ({ name: `branch-${index}`, steps })),
});

/** A parallel step with another join than `all`. */
export const joining = (
  join: 'settle' | 'race',
  name: string,
  ...branches: readonly (readonly Loose[])[]
): Loose => ({ ...parallel(name, ...branches), join });

/** Another run in the place of a call. */
export const child = (name: string, more: Loose = {}): Loose => ({
  name,
  type: 'sub_workflow',
  workflow_name: 'other',
  ...more,
});
