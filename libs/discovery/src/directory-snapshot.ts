import type { registryContract } from '@downbeat/contracts';
import { CapabilityIndex } from './capability-index';

export type Entry = registryContract.DirectoryEntry;
export type Target = Entry['targets'][number];

/**
 * What is known of every service, in memory. An entry is never changed, only replaced by a newer one,
 * so that who holds one sees it whole. A look-up is a look into a map.
 */
export class DirectorySnapshot {
  private readonly entries = new Map<string, Entry>();
  private readonly capabilities = new CapabilityIndex();
  /** Services of which a registry of before told less than this one understands. */
  private readonly olderShape = new Set<string>();
  /** Everything up to this revision is known. */
  revision = 0;
  /** Of the log of the registry that told it. */
  mark: registryContract.LogMark | undefined;

  get size(): number {
    return this.entries.size;
  }

  get names(): readonly string[] {
    return [...this.entries.keys()];
  }

  serviceOf(name: string): Entry | undefined {
    return this.entries.get(name);
  }

  /**
   * Services that can do something, with the instances that can in a version of the range.
   *
   * @param environment That of the services; default any. One that is in none known is in all.
   */
  withCapability(
    name: string,
    range?: string,
    environment?: registryContract.RunningEnvironment,
  ): readonly Entry[] {
    return this.capabilities.ask({ capability: name, range, environment });
  }

  get hasOlderShape(): boolean {
    return this.olderShape.size > 0;
  }

  /** Nobody has more to tell of what is known up to there. */
  isAllThereIsUpTo(revision: number): void {
    for (const name of this.olderShape)
      if ((this.entries.get(name)?.revision ?? 0) <= revision) this.olderShape.delete(name);
  }

  /**
   * Takes what is newer than what is known, or at the same revision says more; an older entry changes
   * nothing, whoever sent it.
   *
   * @param isOlderShape They were told by a registry that says less of each.
   * @returns The services whose entry was replaced.
   */
  take(entries: readonly Entry[], isOlderShape = false): readonly string[] {
    const replaced: [before: Entry | undefined, after: Entry][] = [];
    for (const entry of entries) {
      const { service_name: name, revision } = entry;
      const known = this.entries.get(name);
      const saysMore = !isOlderShape && this.olderShape.has(name);
      if (known && known.revision >= revision && !(known.revision === revision && saysMore))
        continue;
      this.entries.set(name, entry);
      if (isOlderShape) this.olderShape.add(name);
      else this.olderShape.delete(name);
      replaced.push([known, entry]);
    }
    this.capabilities.replace(replaced);
    return replaced.map(([, { service_name }]) => service_name);
  }
}
