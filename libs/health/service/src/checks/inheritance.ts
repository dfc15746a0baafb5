import type { Recorded } from '@downbeat/eventsourcing';
import {
  inheritedPaths,
  type InheritedFailure,
  type InstanceCounts,
  type Need,
  type NeedsChanged,
} from '@downbeat/health-domain';
import type { KnownInstance } from './known-instance';

type Counts = { -readonly [Count in keyof InstanceCounts]: InstanceCounts[Count] };

/** Whose failure an instance has, as far as the log has been read. */
export class Inheritance {
  private readonly needs = new Map<string, readonly Need[]>();
  /** Also those that have no instance any more. */
  private readonly checked = new Set<string>();
  /** Made when it is asked for. */
  private counts: ReadonlyMap<string, InstanceCounts> | undefined;

  constructor(private readonly known: ReadonlyMap<string, KnownInstance>) {}

  learnNeeds({ data: { service_name, dependencies } }: Recorded<NeedsChanged>): void {
    this.needs.set(service_name, dependencies);
  }

  /** There are other instances now, or they stand otherwise. */
  changed(serviceName: string): void {
    this.checked.add(serviceName);
    this.counts = undefined;
  }

  /** It is retired: nobody waits for an instance of it. */
  forget(serviceName: string): void {
    this.checked.delete(serviceName);
    this.needs.delete(serviceName);
    this.counts = undefined;
  }

  /** Of an instance that is unhealthy, even if nobody has written that down yet. */
  of({ checked: { service_name }, standing }: KnownInstance): InheritedFailure | undefined {
    if ((this.needs.get(service_name) ?? []).length === 0) return undefined;
    this.counts ??= this.counted();
    const { counts, needs } = this;
    const before = counts.get(service_name);
    const now = before && standing?.status !== 'unhealthy' ? withOneMore(before, standing) : before;
    const path = inheritedPaths({
      countsOf: (name) => (name === service_name ? now : counts.get(name)),
      needsOf: (name) => needs.get(name) ?? [],
    })(service_name);
    const origin = path?.at(-1);
    return path && origin !== undefined ? { origin, path: [...path] } : undefined;
  }

  private counted(): ReadonlyMap<string, InstanceCounts> {
    const counts = new Map<string, Counts>();
    for (const name of this.checked) counts.set(name, { healthy: 0, unhealthy: 0, starting: 0 });
    for (const { checked, standing } of this.known.values()) {
      const of = counts.get(checked.service_name);
      if (of) of[standing?.status ?? 'starting']++;
    }
    return counts;
  }
}

/** One that stood otherwise until now is unhealthy. */
const withOneMore = (counts: InstanceCounts, before: KnownInstance['standing']): InstanceCounts => {
  const status = before?.status ?? 'starting';
  return { ...counts, [status]: counts[status] - 1, unhealthy: counts.unhealthy + 1 };
};
