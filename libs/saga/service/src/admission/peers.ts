import type { JsonObject, Position } from '@downbeat/eventsourcing';
import type { MessageBus } from '@downbeat/message-bus';
import { Periodic } from '@downbeat/service-host';
import type { Admission } from './admission';

/** What each replica tells the others, twice a second. */
const TOLD = 'hint.saga.admission';
const TELL_EVERY_MS = 500;
/** One that was silent for so long is counted as gone. */
const SILENT_MS = 3_000;
/** Who listens for so long has heard all there are. */
const HEARD_ALL_AFTER_MS = 2 * TELL_EVERY_MS;

type LaneView = ReturnType<Admission['view']>[number];

interface Told {
  readonly process: string;
  /** What operators said is followed up to this position. */
  readonly followed: Position;
  readonly seen: Readonly<Record<string, { readonly calls: number; readonly failures: number }>>;
  readonly targets: readonly LaneView[];
  /** New runs it would take; a release that does not say so takes none. */
  readonly room?: number;
}

interface Peer {
  room: number;
  readonly followed: Position;
  readonly targets: readonly LaneView[];
  readonly heardAt: number;
}

/**
 * The replicas in front of the same targets: how many they are, what each saw of them, and what
 * waits in each. Said over core NATS; while nobody is heard, a replica acts as if it were alone.
 */
export class Peers {
  private readonly others = new Map<string, Peer>();
  private unsubscribe: () => void = () => undefined;
  private listeningSince = Infinity;
  private toldAt = 0;
  private readonly telling = new Periodic('telling the other replicas', TELL_EVERY_MS, () => {
    this.tell();
    return Promise.resolve();
  });

  constructor(
    private readonly process: string,
    private readonly admission: Admission,
    private readonly bus: MessageBus,
    private readonly followed: () => Position,
    private readonly room: () => number,
    private readonly onCount: (replicas: number) => void,
  ) {}

  start(): void {
    this.listeningSince = performance.now();
    this.toldAt = this.listeningSince;
    this.unsubscribe = this.bus.onHint(TOLD, (payload) => this.hear(payload as unknown as Told));
    this.telling.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    this.unsubscribe();
    await this.telling.stop();
  }

  /** This one counted. */
  get count(): number {
    return this.others.size + 1;
  }

  /** What waits in front of which target, in each replica that is heard. */
  views(): readonly LaneView[] {
    return [...this.admission.view(), ...[...this.others.values()].flatMap((peer) => peer.targets)];
  }

  /** What was said up to here is followed by every replica; 0 until all of them can have been heard. */
  followedByAll(): Position {
    if (performance.now() - this.listeningSince < HEARD_ALL_AFTER_MS) return 0;
    return Math.min(this.followed(), ...[...this.others.values()].map((peer) => peer.followed));
  }

  /** The process with the most room for new runs, which has one place less from now on. */
  takeRoom(): string | undefined {
    const heardSince = performance.now() - HEARD_ALL_AFTER_MS;
    let roomiest: readonly [string, Peer] | undefined;
    for (const [name, peer] of this.others)
      if (peer.heardAt >= heardSince && peer.room > (roomiest?.[1].room ?? 0))
        roomiest = [name, peer];
    if (roomiest) roomiest[1].room--;
    return roomiest?.[0];
  }

  private tell(): void {
    this.forgetTheSilent();
    const told: Told = {
      process: this.process,
      followed: this.followed(),
      seen: Object.fromEntries(this.admission.tell()),
      targets: this.admission.view(),
      room: this.room(),
    };
    this.bus.hint(TOLD, told as unknown as JsonObject);
  }

  private forgetTheSilent(): void {
    const before = this.count;
    const now = performance.now();
    // Whoever could not tell could not hear either: what was said meanwhile is still to be read.
    if (now - this.toldAt > HEARD_ALL_AFTER_MS) this.listeningSince = now;
    this.toldAt = now;
    if (now - this.listeningSince < SILENT_MS) return;
    for (const [name, { heardAt }] of this.others)
      if (heardAt < now - SILENT_MS) this.others.delete(name);
    if (this.count !== before) this.onCount(this.count);
  }

  private hear({ process, followed, seen, targets, room = 0 }: Told): void {
    if (typeof process !== 'string' || process === this.process) return;
    const isNew = !this.others.has(process);
    this.others.set(process, { followed, targets, room, heardAt: performance.now() });
    if (isNew) {
      this.onCount(this.count);
      // It is to know of us before it speaks for all.
      this.telling.hurry();
    }
    for (const [service, evidence] of Object.entries(seen)) this.admission.hear(service, evidence);
  }
}
