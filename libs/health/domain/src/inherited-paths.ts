import { isDown, isFailing, type InstanceCounts } from './instance-counts';
import type { Need } from './service-needs';

/** From a service to where its failure began. */
type Path = readonly string[];

interface Found {
  readonly path: Path | undefined;
  /** False: a part that leads back to where the search came from was cut off. */
  readonly isWhole: boolean;
}

interface System {
  /** Undefined: it never had an instance. */
  countsOf(service: string): InstanceCounts | undefined;
  needsOf(service: string): readonly Need[];
}

/** The failure of what it fails with is a service's own, as far as callers can see. */
export const failsWith = (need: Need): boolean => need.required && need.is_critical;

/**
 * The shortest way from each service to where its failure began: a service without a healthy
 * instance that itself fails with nobody. What is required never leads back to where it began (the
 * registry refuses that); while news of it is under way it may look so, and is cut there.
 *
 * What was found is kept until somebody on the way changes.
 */
export class InheritedPaths {
  private readonly kept = new Map<string, Path | undefined>();

  constructor(private readonly system: System) {}

  /** @param counts How it stands, where the system does not know that yet. */
  of(service: string, counts?: InstanceCounts): Path | undefined {
    if (!counts && this.kept.has(service)) return this.kept.get(service);
    const countsOf = (name: string): InstanceCounts | undefined =>
      name === service && counts ? counts : this.system.countsOf(name);
    const found = new Map<string, Found>();
    const { path } = this.search(service, countsOf, found);
    // How it would stand is not how it stands.
    if (counts) found.delete(service);
    for (const [name, { path, isWhole }] of found) if (isWhole) this.kept.set(name, path);
    return path;
  }

  /**
   * It stands otherwise, or has other needs: what was found of it, and of all who fail with it, holds no more.
   *
   * @param dependentsOf Who requires it. Whoever was searched had all it might fail with searched, so where
   *        nothing is kept nothing beyond is.
   */
  forget(service: string, dependentsOf: (service: string) => Iterable<string>): void {
    if (!this.kept.delete(service)) return;
    for (const dependent of dependentsOf(service)) this.forget(dependent, dependentsOf);
  }

  private search(service: string, countsOf: System['countsOf'], found: Map<string, Found>): Found {
    found.set(service, { path: undefined, isWhole: false });
    const counts = countsOf(service);
    let path: Path | undefined;
    let isWhole = true;
    for (const need of this.system.needsOf(service)) {
      if (!failsWith(need) && !(need.required && isFailing(counts))) continue;
      const { service_name: needed } = need;
      const further = this.kept.has(needed)
        ? { path: this.kept.get(needed), isWhole: true }
        : (found.get(needed) ?? this.search(needed, countsOf, found));
      isWhole &&= further.isWhole;
      const beyond = further.path ?? (isDown(countsOf(needed)) ? [needed] : undefined);
      if (!beyond || beyond.includes(service)) continue;
      if (!path || beyond.length + 1 < path.length) path = [service, ...beyond];
    }
    const all = { path, isWhole };
    found.set(service, all);
    return all;
  }
}
