import type { Recorded } from '@downbeat/eventsourcing';
import {
  InheritedPaths,
  isDown,
  isFailing,
  isToBlame,
  NeedsGraph,
  type Failing,
  type Inherited,
  type InstanceCounts,
  type Needed,
  type NeedsChanged,
} from '@downbeat/health-domain';
import type { KnownInstance } from './known-instance';

/** A service that has had an instance. */
type Counted = { -readonly [Key in keyof Needed]: Needed[Key] } & {
  /** It is retired: nobody waits for an instance of it. */
  isForgotten: boolean;
};

/**
 * Whose failure an instance has, as far as the log has been read. What is known is kept up to date:
 * a change costs as much as there are services that fail with the one it is about.
 */
export class Inheritance {
  private readonly graph = new NeedsGraph();
  private readonly services = new Map<string, Counted>();
  private readonly paths = new InheritedPaths({
    countsOf: (service) => this.countsOf(service),
    needsOf: (service) => this.graph.needsOf(service),
  });

  learnNeeds({ data: { service_name, dependencies } }: Recorded<NeedsChanged>): void {
    this.mistrust(service_name);
    this.graph.set(service_name, dependencies);
  }

  /** It is checked from now on. */
  came(known: KnownInstance, atMs: number): void {
    const { service_name } = known.checked;
    const counts = this.counted(service_name);
    if (counts.isForgotten) this.mistrust(service_name);
    counts.isForgotten = false;
    this.count(known, statusOf(known), atMs);
  }

  /** It may stand otherwise than before. One that is not checked any more does not count. */
  stands(known: KnownInstance, atMs: number): void {
    if (known.countedAs !== undefined) this.count(known, statusOf(known), atMs);
  }

  /** It is not checked any more. */
  left(known: KnownInstance, atMs: number): void {
    if (known.countedAs !== undefined) this.count(known, undefined, atMs);
  }

  /** It is retired. */
  forget(service: string): void {
    this.mistrust(service);
    this.graph.set(service, []);
    const counts = this.services.get(service);
    if (counts) counts.isForgotten = true;
    this.clear(service);
  }

  /** Of an instance that is unhealthy, even if nobody has written that down yet. */
  of({ checked: { service_name }, standing }: KnownInstance, failing: Failing) {
    if (this.graph.needsOf(service_name).length === 0) return undefined;
    const before = this.countsOf(service_name);
    const isNews = before !== undefined && standing?.status !== 'unhealthy';
    const path = isNews
      ? this.paths.of(service_name, withOneMore(before, standing))
      : this.paths.of(service_name);
    const origin = path?.at(-1);
    if (!path || origin === undefined) return undefined;
    const needed = path.slice(1).map((name) => this.countsOf(name));
    const inherited: Inherited = {
      origin,
      path: [...path],
      isToBlame: needed.some((one) => isToBlame(one, failing)),
    };
    return inherited;
  }

  private countsOf(service: string): Counted | undefined {
    const counts = this.services.get(service);
    return counts?.isForgotten ? undefined : counts;
  }

  private count(known: KnownInstance, status: KnownInstance['countedAs'], atMs: number): void {
    const { service_name } = known.checked;
    const counts = this.counted(service_name);
    const before = { isDown: isDown(counts), isFailing: isFailing(counts) };
    if (known.countedAs) counts[known.countedAs]--;
    if (status) counts[status]++;
    known.countedAs = status;
    if (counts.healthy > 0) counts.downSinceMs = undefined;
    else counts.downSinceMs ??= atMs;
    if (isDown(counts) !== before.isDown || isFailing(counts) !== before.isFailing)
      this.mistrust(service_name);
    this.clear(service_name);
  }

  private counted(service: string): Counted {
    const known = this.services.get(service);
    if (known) return known;
    const counts = { healthy: 0, unhealthy: 0, starting: 0, isForgotten: false };
    this.services.set(service, counts);
    this.mistrust(service);
    return counts;
  }

  private mistrust(service: string): void {
    this.paths.forget(service, (one) => this.graph.dependentsOf(one));
  }

  /** Of what is retired nothing is kept once its last instance is gone. */
  private clear(service: string): void {
    const counts = this.services.get(service);
    if (counts?.isForgotten && counts.healthy + counts.unhealthy + counts.starting === 0)
      this.services.delete(service);
  }
}

const statusOf = ({ standing }: KnownInstance) => standing?.status ?? 'starting';

/** One that stood otherwise until now is unhealthy. */
const withOneMore = (counts: InstanceCounts, before: KnownInstance['standing']): InstanceCounts => {
  const status = before?.status ?? 'starting';
  return { ...counts, [status]: counts[status] - 1, unhealthy: counts.unhealthy + 1 };
};
