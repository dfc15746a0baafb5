import {
  isGroup,
  nameOf,
  stepOf,
  type CompiledDefinition,
  type CompiledGroup,
  type CompiledStep,
} from '../definition/compiled';

/** A step as it occurs in a run: inside a map once for each item. */
export interface Spot<Step extends CompiledStep = CompiledStep> {
  readonly step: Step;
  /** Of the items of the maps around it, the outermost first. */
  readonly indices: readonly number[];
  /** `hold`, inside maps `hold#3` or `hold#3.0`: what events and keys call it. */
  readonly address: string;
}

/** The parallel or map step around a step, and which of its branches or items the step is in. */
export interface Around {
  readonly group: Spot<CompiledGroup>;
  /** A branch's name, or an item's index. */
  readonly branch: string;
}

export const addressOf = (name: string, indices: readonly number[]): string =>
  indices.length === 0 ? name : `${name}#${indices.join('.')}`;

export function spotOf(definition: CompiledDefinition, address: string): Spot {
  const step = stepOf(definition, address);
  const name = nameOf(address);
  const indices =
    name === address
      ? []
      : address
          .slice(name.length + 1)
          .split('.')
          .map(Number);
  return { step, indices, address };
}

export function spotAt(
  definition: CompiledDefinition,
  name: string,
  indices: readonly number[],
): Spot {
  return { step: stepOf(definition, name), indices, address: addressOf(name, indices) };
}

/** @returns Undefined for a step of the outermost sequence. */
export function aroundOf(
  definition: CompiledDefinition,
  { step: { parent, branch }, indices }: Spot,
): Around | undefined {
  if (parent === undefined) return undefined;
  const step = stepOf(definition, parent);
  if (!isGroup(step)) return undefined;
  if (step.type === 'parallel')
    return { group: { step, indices, address: addressOf(parent, indices) }, branch: branch ?? '' };
  const outer = indices.slice(0, -1);
  return {
    group: { step, indices: outer, address: addressOf(parent, outer) },
    branch: String(indices.at(-1)),
  };
}

/** From the innermost to the outermost. */
export function allAround(definition: CompiledDefinition, spot: Spot): readonly Around[] {
  const around = aroundOf(definition, spot);
  return around ? [around, ...allAround(definition, around.group)] : [];
}

/** Whether the step is in this branch; without a branch, in any of the group's. */
export const isInside = (
  definition: CompiledDefinition,
  spot: Spot,
  group: Spot,
  branch?: string,
): boolean =>
  allAround(definition, spot).some(
    (around) =>
      around.group.address === group.address && (branch === undefined || around.branch === branch),
  );
