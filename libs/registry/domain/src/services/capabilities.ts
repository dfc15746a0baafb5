import type { registryContract } from '@downbeat/contracts';
import { satisfies } from 'semver';

export interface Capability {
  readonly name: string;
  readonly version: string;
}

type Said = readonly registryContract.SaidCapability[];

/** Each with its version: where none was said, that of whoever has it, an instance or the service's own address. */
export const capabilitiesOf = (said: Said, ownVersion: string): readonly Capability[] =>
  said.map((one) => (typeof one === 'string' ? { name: one, version: ownVersion } : one));

/** What callers ask for. Without a range any version will do, a pre-release too. */
export interface WantedCapability {
  readonly name: string;
  /** As npm reads it; pre-releases only where the range names one. */
  readonly range?: string | undefined;
}

export const has = (
  capabilities: readonly Capability[],
  { name, range }: WantedCapability,
): boolean =>
  capabilities.some(
    (one) => one.name === name && (range === undefined || satisfies(one.version, range)),
  );
