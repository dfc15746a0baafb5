import type { CompiledDefinition, CompiledGroup, CompiledStep } from '@downbeat/saga-domain';

/** A branch or an item that a step stands in. */
export interface Branch {
  /** The address of the step around. */
  readonly group: string;
  /** A branch's name, or an item's index. */
  readonly branch: string;
  readonly join: CompiledGroup['join'];
}

/** `hold` of `hold#3`. */
export const nameAt = (address: string): string => address.split('#')[0] ?? '';

/** The branches around an address, the innermost first; by the definition, not by the engine's rules. */
export function branchesAround(definition: CompiledDefinition, address: string): readonly Branch[] {
  const [, items = ''] = address.split('#');
  const indices = items === '' ? [] : items.split('.');
  const around: Branch[] = [];
  let step = definition.steps.get(nameAt(address));
  while (step?.parent !== undefined) {
    const parent = definition.steps.get(step.parent);
    if (parent?.type !== 'parallel' && parent?.type !== 'map') break;
    const branch = parent.type === 'map' ? indices.pop() : step.branch;
    const group = indices.length === 0 ? parent.name : `${parent.name}#${indices.join('.')}`;
    around.push({ group, branch: branch ?? '', join: parent.join });
    step = parent;
  }
  return around;
}

/** Whether an address is inside a group; with a branch, inside that one. */
export const isWithin = (around: readonly Branch[], group: string, branch?: string): boolean =>
  around.some((one) => one.group === group && (branch === undefined || one.branch === branch));

export const canBeUndone = (step: CompiledStep | undefined): boolean =>
  step?.type === 'sub_workflow' || (step?.type === 'service_call' && step.undo !== undefined);

export const isUndoable = (definition: CompiledDefinition, address: string): boolean =>
  canBeUndone(definition.steps.get(nameAt(address)));

/** The step of the outermost sequence that an address belongs to; itself there. */
export const outermost = (definition: CompiledDefinition, address: string): string =>
  branchesAround(definition, address).at(-1)?.group ?? address;
