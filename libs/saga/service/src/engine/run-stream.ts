import {
  LeaseLost,
  type Appended,
  type EventStore,
  type Leases,
  type LeaseUse,
} from '@downbeat/event-store';
import type { EventMeta, JsonObject, StreamName } from '@downbeat/eventsourcing';
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
  readonly answer: (state: RunState) => JsonObject;
}

/** One run's stream as this process knows it: its state, its version, and whether it is ours. */
export class RunStream {
  state: RunState = NOT_STARTED;
  /** This process holds the run: nobody else works on it. */
  isHeld = false;
  /** Of the request that started the run, for the calls it leads to. */
  private traceparent: string | undefined;
  /** Of its newest event. */
  private position = 0;
  private version = 0;
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
    await this.store.settled();
    const past = await this.store.load<RunEvent>(this.name);
    const state = (past as readonly RunEvent[]).reduce(evolveRun, NOT_STARTED);
    // What rests was given up with the append that brought it to rest.
    const isOurs = isStarted(state) && !isAtRest(state) && (await this.isOurs());
    if (this.isHeld && !isOurs && !isAtRest(state)) throw this.lost();
    // Not known to be ours and ours all the same: an `acquire` whose answer was lost, in epoch 1.
    if (isOurs && !this.isHeld) this.claim(1);
    this.isHeld = isOurs;
    this.state = state;
    this.version = past.length;
    this.position = past.at(-1)?.position ?? 0;
    this.traceparent = past[0]?.meta.traceparent;
  }

  /** One transition; with it the run is taken, kept, or given up when nothing is left to do by itself. */
  async append(
    events: readonly RunEvent[],
    state: RunState,
    asked: Asked | undefined,
  ): Promise<Appended> {
    const rests = isAtRest(state);
    const lease = this.leaseFor(rests);
    const appended = await this.store.append({
      stream: this.name,
      expected: this.version,
      events,
      meta: this.meta(state, asked),
      ...(asked?.commandId === undefined
        ? {}
        : { command: { id: asked.commandId, answer: asked.answer(state) } }),
      ...(lease === undefined ? {} : { lease }),
    });
    if (appended.repeated) return appended;
    if (this.version === 0) this.traceparent = asked?.meta.traceparent;
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

  /** What goes along with the run's calls. */
  callContext(): CallContext {
    const { state, traceparent } = this;
    const correlationId = isStarted(state) ? state.started.correlation_id : this.id;
    return { correlationId, traceparent };
  }

  lost(): LeaseLost {
    return new LeaseLost(this.name, this.lease.owner, this.epoch);
  }

  private async isOurs(): Promise<boolean> {
    return (await this.leases.holder(this.name)) === this.lease.owner;
  }

  /** A run that begins and ends in one append is nobody's. */
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
