import { registryContract, type InputOf } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { Fault, type Message, type Recorded } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import { ReadModels } from '@downbeat/projections';
import {
  Directory,
  isDirectoryEvent,
  offerOf,
  type DirectoryEvent,
  type InstanceName,
} from '@downbeat/registry-domain';
import { LogFollower } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { DirectoryRow } from '../projections/services/directory.table';
import { services } from '../projections/services/services.projection';
import { pushesOf, upToBytes } from './pushes';

/** Callers learn from it that nothing has changed, and that the registry is there. */
const PULSE_MS = 1_000;
const READ_AGO_MS_MAX = 2_500;
const ROWS_MAX = 1_000;
/** An answer is one NATS message, of 1 MB at most. */
const PAGE_BYTES_MAX = 512 * 1024;

type Session = registryContract.NatsSession;

/** Asking again a moment later helps. */
export class DirectoryNotLoaded extends Fault {
  readonly code = 'registry/directory-not-loaded';
  readonly remedy = 'retry';
}

/** The directory in this process's memory: what callers are answered and pushed comes from here. */
@Injectable()
export class LiveDirectory {
  private readonly listeners = new Set<(sessions: readonly Session[]) => void>();
  private directory = new Directory();
  private follower: LogFollower<Message> | undefined;
  private pulse: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
    private readonly bus: MessageBus,
  ) {}

  /** Begins with the read model, and follows the log from where that has come. */
  async start(): Promise<void> {
    const { position, data } = await this.readModels.ask(services, {}, (manager) => load(manager));
    this.directory = new Directory(data, position);
    this.follower = new LogFollower<Message>(this.store, position, (events) =>
      this.take(events.filter(isDirectoryEvent)),
    );
    this.follower.start();
    this.pulse = setInterval(() => this.beat(), PULSE_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.pulse);
    await this.follower?.stop();
  }

  page({
    since,
    limit,
  }: InputOf<typeof registryContract.directory>): registryContract.DirectoryPage {
    if (!this.follower) throw new DirectoryNotLoaded('the directory is being loaded');
    const entries = this.directory.changedAfter(since, limit).map(offerOf);
    const page = upToBytes(entries, PAGE_BYTES_MAX);
    const last = page.at(-1);
    const has_more = last !== undefined && this.directory.changedAfter(last.revision, 1).length > 0;
    return {
      services: page,
      revision: has_more ? last.revision : this.directory.revision,
      has_more,
    };
  }

  /** What a session stands for, as far as this replica has read the log. */
  instancesOf(session: registryContract.NatsSession): readonly InstanceName[] {
    return this.directory.instancesOf(session);
  }

  get sessionCount(): number {
    return this.directory.sessionCount;
  }

  /** Whether an instance is there, as far as this replica has read the log. */
  isPresent({ service_id, instance_id }: InstanceName): boolean {
    const standing = this.directory.get(service_id)?.instances[instance_id]?.standing;
    return standing !== undefined && standing.status !== 'terminating';
  }

  /** Instances of a service that have not gone yet. */
  presentInstances(serviceName: string): number {
    const instances = Object.values(this.directory.get(serviceName)?.instances ?? {});
    return instances.filter(({ standing }) => standing.status !== 'terminating').length;
  }

  /** Sessions that instances were registered with. Returns the unsubscribe function. */
  onListed(listener: (sessions: readonly Session[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  status(): { readonly services: number; readonly revision: number } {
    return { services: this.directory.size, revision: this.directory.revision };
  }

  private take(events: readonly Recorded<DirectoryEvent>[]): void {
    if (events.length === 0) return;
    const after = this.directory.revision;
    const changed = this.directory.apply(events);
    this.push(changed.map(offerOf), after);
    const sessions = events.flatMap(sessionIn);
    if (sessions.length > 0) for (const listener of this.listeners) listener(sessions);
  }

  /** That nothing has changed is said by who has looked. */
  private beat(): void {
    const { readAgoMs = Infinity } = this.follower ?? {};
    if (readAgoMs < READ_AGO_MS_MAX) this.push([], this.directory.revision);
  }

  private push(entries: readonly registryContract.DirectoryEntry[], after: number): void {
    for (const push of pushesOf(entries, after, this.directory.revision))
      this.bus.hint(registryContract.DIRECTORY_PUSH, push);
  }
}

const sessionIn = (event: Recorded<DirectoryEvent>): readonly Session[] => {
  const isOne = event.type === 'InstanceRegistered' || event.type === 'InstanceSessionMoved';
  return isOne && event.data.session ? [event.data.session] : [];
};

async function load(manager: EntityManager) {
  const entries: DirectoryRow['entry'][] = [];
  for (let after = ''; ;) {
    const rows: DirectoryRow[] = await manager.query(
      `select service_name, entry from directory_entry
       where service_name > $1 collate "C" order by service_name collate "C" limit ${ROWS_MAX}`,
      [after],
    );
    entries.push(...rows.map(({ entry }) => entry));
    const last = rows.at(-1);
    if (!last || rows.length < ROWS_MAX) return entries;
    after = last.service_name;
  }
}
