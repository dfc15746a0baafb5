import {
  EventStoreUnavailable,
  LeaseLost,
  type Append,
  type Appended,
  type EventStore,
  type Leases,
  type LeaseUse,
} from '@downbeat/event-store';
import { Fault, type EventMeta, type JsonObject, type StreamName } from '@downbeat/eventsourcing';
import {
  evolveRun,
  isStarted,
  NOT_STARTED,
  workflowStream,
  type RunEvent,
  type RunState,
} from '@downbeat/saga-domain';
import type { CallContext } from '../targets/target-caller';
import { isAtRest } from './at-rest';
import type { ReplicaLease } from './replica-lease';

/** The command behind a transition, when somebody waits for its answer. */
export interface Asked {
  readonly meta: EventMeta;
  readonly commandId?: string;
  readonly payloadHash?: string;
  readonly answer: (state: RunState) => JsonObject;
}

const commandOf = (asked: Asked | undefined, state: RunState): Pick<Append, 'command'> => {
  if (asked?.commandId === undefined) return {};
  const { commandId: id, payloadHash } = asked;
  return { command: { id, answer: asked.answer(state), ...(payloadHash && { payloadHash }) } };
};

/** One run's stream as this process knows it: its state, its version, and whether it is ours. */
export class RunStream {
  state: RunState = NOT_STARTED;
  /** This process holds the run: nobody else works on it. */
  isHeld = false;
  /** Of the request that started the run, for the calls it leads to. */
  private traceparent: string | undefined;
  /** Of its first event. */
  startedPosition = 0;
  /** Of its newest event. */
  position = 0;
  private version = 0;
  /** An append was sent, and what became of it is not known. */
  private isInDoubt = false;
  private epoch = 1;
  private readonly name: StreamName;

  constructor(
    readonly id: string,
    private readonly lease: ReplicaLease,
    private readonly store: EventStore,
    private readonly leases: Leases,
  ) {
    this.name = workflowStream(id);
  }

  get isNew(): boolean {
    return this.version === 0;
  }

  /** An epoch belongs to one holding: with another one it was somebody else's in between. */
  isHeldIn(epoch: number): boolean {
    return this.isHeld && this.epoch === epoch;
  }

  /** What a take-over has given to this process; what the log says is not known yet. */
  claim(epoch: number): void {
    this.isHeld = true;
    this.epoch = epoch;
  }

  /**
   * Reads the run from the log, then asks whose it is: so nobody else has added to what was read
   * when it turns out to be ours.
   *
   * @throws {LeaseLost} It was ours, and is not any more.
   */
  async reload(): Promise<void> {
    // An append whose answer was lost may still be about to commit.
    if (this.isInDoubt) await this.store.settled();
    const past = await this.store.load<RunEvent>(this.name);
    const state = (past as readonly RunEvent[]).reduce(evolveRun, NOT_STARTED);
    const rests = isAtRest(state);
    // Or it has taken a run at rest, for an operator, and nobody has learned of it.
    const mayBeOurs = this.isHeld || this.isInDoubt || !rests;
    const isOurs = isStarted(state) && mayBeOurs && (await this.isOurs());
    if (this.isHeld && !isOurs && !rests) throw this.lost();
    if (isOurs && !this.isHeld) this.epoch = await this.epochHeld();
    this.isInDoubt = false;
    this.isHeld = isOurs;
    this.state = state;
    this.version = past.length;
    this.startedPosition = past[0]?.position ?? 0;
    this.position = past.at(-1)?.position ?? 0;
    this.traceparent = past[0]?.meta.traceparent;
    // Usually the append that brought a run to rest has given it up.
    if (isOurs && rests) await this.changeHands('release');
  }

  /** One transition; with it the run is taken, kept, or given up when nothing is left to do by itself. */
  async append(
    events: readonly RunEvent[],
    state: RunState,
    asked: Asked | undefined,
  ): Promise<Appended> {
    const rests = isAtRest(state);
    // Whoever holds it would not notice an append without a lease; a new run nobody can hold.
    if (rests && !this.isHeld && !this.isNew) await this.changeHands('acquire');
    const lease = this.leaseFor(rests);
    const appended = await this.send({
      stream: this.name,
      expected: this.version,
      events,
      meta: this.meta(state, asked),
      ...commandOf(asked, state),
      ...(lease === undefined ? {} : { lease }),
    });
    if (appended.repeated) return appended;
    if (this.version === 0) {
      this.traceparent = asked?.meta.traceparent;
      this.startedPosition = appended.position - events.length + 1;
    }
    this.state = state;
    this.version = appended.version;
    this.position = appended.position;
    this.isHeld = !rests;
    return appended;
  }

  /** The answer to a command that changes nothing. */
  unchanged(asked: Asked | undefined): Appended {
    const { position, version, state } = this;
    return { position, version, repeated: true, ...(asked ? { answer: asked.answer(state) } : {}) };
  }

  /** What is refused now may have been accepted, under the same command id, before the run went on. */
  async answeredBefore(asked: Asked | undefined): Promise<Appended | undefined> {
    return asked?.commandId === undefined ? undefined : this.store.answerOf(asked.commandId);
  }

  /** What goes along with the run's calls. */
  callContext(): CallContext {
    const { state, traceparent } = this;
    const correlationId = isStarted(state) ? state.started.correlation_id : this.id;
    return { correlationId, traceparent };
  }

  lost(): LeaseLost {
    return new LeaseLost(this.name, this.lease.owner, this.epoch);
  }

  private async changeHands(use: 'acquire' | 'release'): Promise<void> {
    if (use === 'acquire') this.epoch = 1;
    await this.send({
      stream: this.name,
      expected: this.version,
      events: [],
      meta: this.meta(this.state, undefined),
      lease: { use, owner: this.lease.owner, epoch: this.epoch },
    });
    this.isHeld = use === 'acquire';
  }

  private async send(append: Append): Promise<Appended> {
    try {
      return await this.store.append(append);
    } catch (fault) {
      // Any other fault of the store says that nothing was appended.
      this.isInDoubt = fault instanceof EventStoreUnavailable || !(fault instanceof Fault);
      throw fault;
    }
  }

  private async isOurs(): Promise<boolean> {
    return (await this.leases.holder(this.name)) === this.lease.owner;
  }

  /** Of a run not known to be ours and ours all the same: the answer that gave it to us was lost, or is on its way. */
  private async epochHeld(): Promise<number> {
    const held = await this.leases.held(this.lease.owner);
    const found = held.find(({ stream }) => stream === this.name);
    if (!found) throw this.lost();
    return found.epoch;
  }

  /** A new run that comes to rest in one append is nobody's. */
  private leaseFor(rests: boolean): LeaseUse | undefined {
    if (!this.isHeld && rests) return undefined;
    if (!this.isHeld) this.epoch = 1;
    const use = !this.isHeld ? 'acquire' : rests ? 'release' : 'hold';
    return { use, owner: this.lease.owner, epoch: this.epoch };
  }

  /** Whoever asks: all events of a run carry its own correlation id. */
  private meta(state: RunState, asked: Asked | undefined): EventMeta {
    const correlation_id = isStarted(state) ? state.started.correlation_id : this.id;
    if (asked) return { ...asked.meta, correlation_id };
    const { traceparent } = this;
    return {
      correlation_id,
      causation_id: this.id,
      actor: 'saga-engine',
      ...(traceparent === undefined ? {} : { traceparent }),
    };
  }
}
