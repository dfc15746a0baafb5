import type { registryContract } from '@downbeat/contracts';
import type { Position, Recorded } from '@downbeat/eventsourcing';
import { foldEntry, serviceOf, type DirectoryEvent, type ListedService } from './directory-entry';

/** All entries in memory, in the order in which they changed. */
export class Directory {
  /** A map keeps its order: what changes is taken out and put in again at the end. */
  private readonly entries = new Map<string, ListedService>();
  /** Which instances a session stands for, by its key. */
  private readonly sessions = new Map<string, Map<string, InstanceName>>();

  /** @param entries As they are up to `revision`. */
  constructor(
    entries: readonly ListedService[] = [],
    public revision: Position = 0,
  ) {
    const ordered = [...entries].sort((one, other) => one.revision - other.revision);
    for (const entry of ordered) this.put(entry);
  }

  get size(): number {
    return this.entries.size;
  }

  /** @returns The entries that changed, in the order of their revisions. */
  apply(events: readonly Recorded<DirectoryEvent>[]): readonly ListedService[] {
    const touched = new Set<string>();
    for (const event of events) {
      this.revision = event.position;
      const name = serviceOf(event);
      const before = this.entries.get(name);
      const after = foldEntry(before, event);
      if (!after || after === before) continue;
      if (before) this.leave(before);
      this.put(after);
      touched.add(name);
    }
    return [...touched]
      .map((name) => this.entries.get(name))
      .filter((entry) => entry !== undefined)
      .sort((one, other) => one.revision - other.revision);
  }

  /** Entries that changed after `since`, oldest change first. */
  changedAfter(since: Position, limit: number): readonly ListedService[] {
    const found: ListedService[] = [];
    for (const entry of this.entries.values()) {
      if (entry.revision <= since) continue;
      found.push(entry);
      if (found.length === limit) break;
    }
    return found;
  }

  get(serviceName: string): ListedService | undefined {
    return this.entries.get(serviceName);
  }

  /** The instances that a session stands for: more than one when a process has several. */
  instancesOf(session: registryContract.NatsSession): readonly InstanceName[] {
    return [...(this.sessions.get(keyOf(session))?.values() ?? [])];
  }

  /** How many sessions stand for instances. */
  get sessionCount(): number {
    return this.sessions.size;
  }

  private put(entry: ListedService): void {
    this.entries.set(entry.service_name, entry);
    for (const [instance_id, { session, standing }] of Object.entries(entry.instances)) {
      if (!session || standing.status === 'terminating') continue;
      const key = keyOf(session);
      const held = this.sessions.get(key) ?? new Map<string, InstanceName>();
      held.set(instance_id, { service_id: entry.service_name, instance_id });
      this.sessions.set(key, held);
    }
  }

  private leave(entry: ListedService): void {
    this.entries.delete(entry.service_name);
    for (const [instance_id, { session }] of Object.entries(entry.instances)) {
      const held = session && this.sessions.get(keyOf(session));
      held?.delete(instance_id);
      if (session && held?.size === 0) this.sessions.delete(keyOf(session));
    }
  }
}

export interface InstanceName {
  readonly service_id: string;
  readonly instance_id: string;
}

const keyOf = ({ server_id, client_id }: registryContract.NatsSession): string =>
  `${client_id} of ${server_id}`;
