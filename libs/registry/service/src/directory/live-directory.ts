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
import { loadDirectory } from './load-directory';
import { services } from '../projections/services/services.projection';
import { LogMarks } from './log-marks';
import { cutTo, pushesOf, upToBytes } from './pushes';

/** Callers learn from it that nothing has changed, and that the registry is there. */
const PULSE_MS = 1_000;
const READ_AGO_MS_MAX = 2_500;
/** An answer is one NATS message, of 1 MB at most. */
const PAGE_BYTES_MAX = 512 * 1024;
const ENTRY_BYTES_MAX = 960 * 1024;

/** Asking again a moment later helps. */
export class DirectoryNotLoaded extends Fault {
  readonly code = 'registry/directory-not-loaded';
  readonly remedy = 'retry';
}

/** The directory in this process's memory: what callers are answered and pushed comes from here. */
@Injectable()
export class LiveDirectory {
  private readonly listeners = new Set<(events: readonly Recorded<DirectoryEvent>[]) => void>();
  private directory = new Directory();
  private readonly marks: LogMarks;
  private follower: LogFollower<Message> | undefined;
  private pulse: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
    private readonly bus: MessageBus,
  ) {
    this.marks = new LogMarks(store);
  }

  /** Begins with the read model, and follows the log from where that has come. */
  async start(): Promise<void> {
    const { position, data } = await this.readModels.ask(services, {}, loadDirectory);
    const newest = data.reduce((most, { revision }) => Math.max(most, revision), 0);
    const mark = newest === 0 ? undefined : await this.marks.at(newest);
    this.directory = new Directory(data, position, mark);
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

  /** @throws {DirectoryNotLoaded} */
  async answer({
    since,
    limit,
    mark,
  }: InputOf<typeof registryContract.directory>): Promise<registryContract.DirectoryPage> {
    if (!this.follower) throw new DirectoryNotLoaded('the directory is being loaded');
    const isOther = mark !== undefined && (await this.marks.holds(mark)) === false;
    if (isOther) return { services: [], revision: 0, has_more: false, is_other_log: true };
    return this.page(since, limit);
  }

  private page(since: number, limit: number): registryContract.DirectoryPage {
    const entries = this.directory
      .changedAfter(since, limit)
      .map((entry) => cutTo(offerOf(entry), ENTRY_BYTES_MAX));
    const page = upToBytes(entries, PAGE_BYTES_MAX);
    const last = page.at(-1);
    const has_more = last !== undefined && this.directory.changedAfter(last.revision, 1).length > 0;
    return {
      services: page,
      revision: has_more ? last.revision : this.directory.revision,
      has_more,
      ...told(this.directory),
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
  isPresent(name: InstanceName): boolean {
    return this.directory.isPresent(name);
  }

  /** Instances of a service that have not gone yet. */
  presentInstances(serviceName: string): number {
    return this.directory.presentInstances(serviceName);
  }

  /** Of all its instances that are listed, those included that have gone, as far as this replica has read the log. */
  versionsOf(serviceName: string): ReadonlySet<string> {
    return this.directory.versionsOf(serviceName);
  }

  /** What was read from the log, by whichever replica it was decided. Returns the unsubscribe function. */
  onRead(listener: (events: readonly Recorded<DirectoryEvent>[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  status(): { readonly services: number; readonly instances: number; readonly revision: number } {
    const { size, presentCount, revision } = this.directory;
    return { services: size, instances: presentCount, revision };
  }

  private take(events: readonly Recorded<DirectoryEvent>[]): void {
    if (events.length === 0) return;
    const after = this.directory.revision;
    const changed = this.directory.apply(events);
    if (this.directory.mark) this.marks.note(this.directory.mark);
    this.push(changed.map(offerOf), after);
    for (const listener of this.listeners) listener(events);
  }

  /** That nothing has changed is said by who has looked. */
  private beat(): void {
    const { readAgoMs = Infinity } = this.follower ?? {};
    if (readAgoMs < READ_AGO_MS_MAX) this.push([], this.directory.revision);
  }

  private push(entries: readonly registryContract.DirectoryEntry[], after: number): void {
    for (const push of pushesOf(entries, after, this.directory.revision))
      this.bus.hint(registryContract.DIRECTORY_PUSH, { ...push, ...told(this.directory) });
  }
}

const told = ({ mark }: Directory) => ({
  shape: registryContract.DIRECTORY_SHAPE,
  ...(mark && { mark }),
});
