import type { registryContract } from '@downbeat/contracts';
import type { Position, Recorded } from '@downbeat/eventsourcing';
import {
  foldDescription,
  foldListed,
  isServiceEvent,
  serviceOf,
  type DirectoryEvent,
  type ListedDescription,
  type ListedInstance,
  type ListedService,
} from './directory-entry';

/** An entry as it stands now: the same object for as long as its service is listed. */
interface Listing {
  description: ListedDescription;
  revision: Position;
  readonly instances: Map<string, ListedInstance>;
  /** Of its instances, those that have not gone. */
  present: number;
}

/**
 * All entries in memory, in the order in which they changed. An event costs the same however many
 * instances its service has.
 */
export class Directory {
  /** A map keeps its order: what changes is taken out and put in again at the end. */
  private readonly listings = new Map<string, Listing>();
  /** Which instances a session stands for, by its key. */
  private readonly sessions = new Map<string, Map<string, InstanceName>>();

  /**
   * @param entries As they are up to `revision`.
   * @param mark Of the log that they were read from.
   */
  constructor(
    entries: readonly ListedService[] = [],
    public revision: Position = 0,
    public mark?: registryContract.LogMark,
  ) {
    const ordered = [...entries].sort((one, other) => one.revision - other.revision);
    for (const { revision: of, instances, ...description } of ordered) {
      const listing: Listing = { description, revision: of, instances: new Map(), present: 0 };
      this.listings.set(description.service_name, listing);
      for (const [id, instance] of instances) this.put(listing, id, instance);
    }
  }

  get size(): number {
    return this.listings.size;
  }

  /** Instances of all services that have not gone yet. */
  get presentCount(): number {
    let count = 0;
    for (const { present } of this.listings.values()) count += present;
    return count;
  }

  /** @returns The entries that changed, in the order of their revisions. */
  apply(events: readonly Recorded<DirectoryEvent>[]): readonly ListedService[] {
    const touched = new Set<Listing>();
    for (const event of events) {
      this.revision = event.position;
      this.mark = { position: event.position, event_id: event.event_id };
      const name = serviceOf(event);
      const listing = this.changedBy(event, this.listings.get(name));
      if (!listing) continue;
      listing.revision = event.position;
      this.listings.delete(name);
      this.listings.set(name, listing);
      touched.add(listing);
    }
    return [...touched].sort((one, other) => one.revision - other.revision).map(entryOf);
  }

  /** Entries that changed after `since`, oldest change first. */
  changedAfter(since: Position, limit: number): readonly ListedService[] {
    const found: ListedService[] = [];
    for (const listing of this.listings.values()) {
      if (listing.revision <= since) continue;
      found.push(entryOf(listing));
      if (found.length === limit) break;
    }
    return found;
  }

  get(serviceName: string): ListedService | undefined {
    const listing = this.listings.get(serviceName);
    return listing && entryOf(listing);
  }

  /** Instances of a service that have not gone. */
  presentInstances(serviceName: string): number {
    return this.listings.get(serviceName)?.present ?? 0;
  }

  /** Of all instances of a service that are listed, those included that have gone. */
  versionsOf(serviceName: string): ReadonlySet<string> {
    const instances = this.listings.get(serviceName)?.instances.values() ?? [];
    return new Set(Array.from(instances, ({ version }) => version));
  }

  /** Whether an instance is there and has not gone. */
  isPresent({ service_id, instance_id }: InstanceName): boolean {
    const instance = this.listings.get(service_id)?.instances.get(instance_id);
    return instance !== undefined && isPresent(instance);
  }

  /** The instances that a session stands for: more than one when a process has several. */
  instancesOf(session: registryContract.NatsSession): readonly InstanceName[] {
    return [...(this.sessions.get(keyOf(session))?.values() ?? [])];
  }

  /** How many sessions stand for instances. */
  get sessionCount(): number {
    return this.sessions.size;
  }

  /** @returns Undefined when nothing is changed by it. */
  private changedBy(
    event: Recorded<DirectoryEvent>,
    listing: Listing | undefined,
  ): Listing | undefined {
    if (isServiceEvent(event)) {
      const description = foldDescription(listing?.description, event);
      if (!description) return undefined;
      if (listing) return Object.assign(listing, { description });
      return { description, revision: event.position, instances: new Map(), present: 0 };
    }
    const { instance_id } = event.data;
    const before = listing?.instances.get(instance_id);
    const after = foldListed(before, event);
    if (!listing || after === before) return undefined;
    if (before) this.take(listing, instance_id, before);
    if (after) this.put(listing, instance_id, after);
    else listing.instances.delete(instance_id);
    return listing;
  }

  private put(listing: Listing, instance_id: string, instance: ListedInstance): void {
    listing.instances.set(instance_id, instance);
    if (!isPresent(instance)) return;
    listing.present++;
    if (!instance.session) return;
    const key = keyOf(instance.session);
    const held = this.sessions.get(key) ?? new Map<string, InstanceName>();
    held.set(instance_id, { service_id: listing.description.service_name, instance_id });
    this.sessions.set(key, held);
  }

  /** It keeps its place in the list. */
  private take(listing: Listing, instance_id: string, instance: ListedInstance): void {
    if (!isPresent(instance)) return;
    listing.present--;
    if (!instance.session) return;
    const key = keyOf(instance.session);
    const held = this.sessions.get(key);
    held?.delete(instance_id);
    if (held?.size === 0) this.sessions.delete(key);
  }
}

export interface InstanceName {
  readonly service_id: string;
  readonly instance_id: string;
}

const isPresent = ({ standing }: ListedInstance): boolean => standing.status !== 'terminating';

/** Its instances are those of the directory, which change: it is for looking at, not for keeping. */
const entryOf = ({ description, revision, instances }: Listing): ListedService => ({
  ...description,
  revision,
  instances,
});

const keyOf = ({ server_id, client_id }: registryContract.NatsSession): string =>
  `${client_id} of ${server_id}`;
