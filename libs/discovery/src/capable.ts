import type { registryContract } from '@downbeat/contracts';
import { satisfies } from 'semver';

type Entry = registryContract.DirectoryEntry;

/**
 * A service with those of its instances that have a capability in a version of the range, as npm writes
 * it: the same entry when all of them have. Undefined: nobody there has it.
 */
export function capable(entry: Entry, capability: string, range?: string): Entry | undefined {
  const { capability_versions, unversioned_capabilities = [], instance_count } = entry;
  if (!Object.hasOwn(capability_versions, capability)) return undefined;
  if (range === undefined) return entry;
  if (instance_count === 0 || !unversioned_capabilities.includes(capability))
    return satisfies(capability_versions[capability] ?? '', range) ? entry : undefined;
  // Many instances, few versions.
  const known = new Map<string, boolean>();
  const isAble = ({ version }: { readonly version: string }): boolean => {
    const isKnown = known.get(version) ?? satisfies(version, range);
    known.set(version, isKnown);
    return isKnown;
  };
  const { targets, unoffered = [] } = entry;
  if (targets.every(isAble) && unoffered.every(isAble)) return entry;
  const able = { targets: targets.filter(isAble), unoffered: unoffered.filter(isAble) };
  return able.targets.length + able.unoffered.length === 0 ? undefined : { ...entry, ...able };
}
