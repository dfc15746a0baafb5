import type { WorkflowDefinition } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { CHILD_DEPTH_MAX, compileDefinition, type CompiledDefinition } from '@downbeat/saga-domain';
import type { DefinitionLibrary } from './definition-library';

const DEFINITIONS_MAX = 200;

/**
 * Whether a definition contains itself, through the newest registered versions of the workflows it
 * names. What is not registered yet may close a cycle later: then the bound on depth ends its runs.
 */
export async function checkCycles(
  definition: WorkflowDefinition,
  library: Pick<DefinitionLibrary, 'find'>,
): Promise<Rejection | undefined> {
  const compiled = compileDefinition(definition);
  if (compiled instanceof Rejection) return undefined; // Refused with all its faults.
  const seen = new Set<string>();
  let level = childrenOf(compiled).map(({ name, version, path }) => ({ name, version, path }));
  for (let depth = 1; depth <= CHILD_DEPTH_MAX && level.length > 0; depth++) {
    const next: typeof level = [];
    for (const { name, version, path } of level) {
      if (name === definition.name) return refusal(definition.name, path);
      const key = `${name} ${version ?? ''}`;
      if (seen.has(key) || seen.size >= DEFINITIONS_MAX) continue;
      seen.add(key);
      const found = await library.find(name, version);
      if (found instanceof Rejection) continue;
      for (const child of childrenOf(found.definition)) next.push({ ...child, path });
    }
    level = next;
  }
  return undefined;
}

interface Child {
  readonly name: string;
  readonly version: string | undefined;
  /** Of the step of the definition that is asked about. */
  readonly path: string;
}

const childrenOf = ({ steps }: CompiledDefinition): readonly Child[] =>
  [...steps.values()].flatMap((step) =>
    step.type === 'sub_workflow'
      ? [{ name: step.workflowName, version: step.workflowVersion, path: step.path }]
      : [],
  );

function refusal(name: string, path: string): Rejection {
  const field = `${path}.workflow_name`;
  const message = `leads back to ${name}: a workflow may not contain itself`;
  return new Rejection('invalid-definition', `${field} ${message}`, 'invalid', [
    { field, message },
  ]);
}
