import type { registryContract } from '@downbeat/contracts';
import { satisfies } from 'semver';

export type Entry = registryContract.DirectoryEntry;
export type Target = Entry['targets'][number];

/**
 * What is known of every service, in memory. An entry is never changed, only replaced by a newer one,
 * so that who holds one sees it whole. A look-up is a look into a map.
 */
export class DirectorySnapshot {
  private readonly entries = new Map<string, Entry>();
  private readonly found = new Map<string, readonly Entry[]>();
  /** Everything up to this revision is known. */
  revision = 0;

  get size(): number {
    return this.entries.size;
  }

  get names(): readonly string[] {
    return [...this.entries.keys()];
  }

  serviceOf(name: string): Entry | undefined {
    return this.entries.get(name);
  }

  /** Services that can do something, in a version of the range when one is given. */
  withCapability(name: string, range?: string): readonly Entry[] {
    const key = `${name} ${range ?? ''}`;
    const known = this.found.get(key);
    if (known) return known;
    const entries = [...this.entries.values()].filter(({ capability_versions }) => {
      const version = Object.hasOwn(capability_versions, name)
        ? capability_versions[name]
        : undefined;
      return version !== undefined && (range === undefined || satisfies(version, range));
    });
    if (this.found.size >= FOUND_MAX) this.found.clear();
    this.found.set(key, entries);
    return entries;
  }

  /**
   * Takes what is newer than what is known; an older entry changes nothing, whoever sent it.
   *
   * @returns The services whose entry was replaced.
   */
  take(entries: readonly Entry[]): readonly string[] {
    const replaced: string[] = [];
    for (const entry of entries) {
      const known = this.entries.get(entry.service_name);
      if (known && known.revision >= entry.revision) continue;
      this.entries.set(entry.service_name, entry);
      replaced.push(entry.service_name);
    }
    if (replaced.length > 0) this.found.clear();
    return replaced;
  }
}

/** Answers kept to questions for a capability, until anything changes. */
const FOUND_MAX = 1_000;
