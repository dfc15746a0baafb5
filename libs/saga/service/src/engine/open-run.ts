import {
  AppendRefused,
  LeaseLost,
  StreamVersionConflict,
  type Appended,
} from '@downbeat/event-store';
import { instantOf, Rejection } from '@downbeat/eventsourcing';
import { inSpan } from '@downbeat/message-bus';
import {
  effectsOf,
  isStarted,
  pendingEffects,
  presentCall,
  versionOf,
  type CallAnswered,
  type CallEffect,
  type CallResult,
  type ChildEffect,
  type HeldBecause,
  type MigrateWorkflow,
  type MigrationRequest,
  type RunCommand,
  type TellParentEffect,
} from '@downbeat/saga-domain';
import { decisionFacts } from '@downbeat/service-host';
import { hasEnded } from './at-rest';
import { LeaseUnsure } from './errors';
import { Line } from './line';
import { openedIncidents } from './opened-incidents';
import { Perseverance } from './perseverance';
import type { ReplicaLease } from './replica-lease';
import { RunEffects } from './run-effects';
import { RunStream, type Asked } from './run-stream';
import type { Behaviour, RunSurroundings } from './surroundings';

/** A command as it comes to a run: which definition it migrates to is told by the version. */
type Order = Exclude<RunCommand, MigrateWorkflow> | MigrationRequest;

/** A command, and what the run goes by once it is carried out, if that is something else. */
interface Resolved {
  readonly command: RunCommand;
  readonly next?: Behaviour;
}

/**
 * One run in the hands of this process: decides, appends, and does what follows from it, one
 * transition after another. All it keeps can be had from the log again, and is, whenever it is not
 * certain that it knows what the log says.
 */
export class OpenRun {
  private readonly stream: RunStream;
  private readonly effects: RunEffects;
  private readonly line = new Line(() => this.lookWhetherIdle());
  private readonly perseverance: Perseverance;
  private behaviour: Behaviour | undefined;
  private mending: Promise<void> | undefined;
  /** Something that the log says is to be done is not under way here, whatever a transition found. */
  private isMendAsked = false;
  private isClosed = false;

  /** @param isCertain The log has nothing of the run, as far as is known: no need to look. */
  constructor(
    readonly id: string,
    private readonly lease: ReplicaLease,
    private readonly around: RunSurroundings,
    private isCertain: boolean,
  ) {
    this.stream = new RunStream(id, lease, around.store, around.leases);
    this.perseverance = new Perseverance({
      isWanted: () => !this.isClosed,
      pause: around.pause,
      now: () => around.clock.now(),
      onFault: (fault) => this.isEndedBy(fault),
    });
    this.effects = new RunEffects(around, {
      onEnded: () => around.onEnded(this.stream.callContext().correlationId, this.stream.position),
      onTimer: (timer_id) =>
        void this.record({ type: 'TimerDue', data: { timer_id }, at: this.now() }),
      onChild: (effect) => void this.askChild(effect),
      onTellParent: (effect) => void this.tellParent(effect),
      mayCall: () => !this.isClosed && lease.isSure,
      context: () => this.stream.callContext(),
      onHeld: (effect, because) => this.held(effect, because),
      onReleased: (effect) => this.released(effect),
      onAnswer: (effect, result) => this.answered(effect, result),
      onUnanswered: () => this.mend(),
      onDefect: (defect) => around.onFault(this, defect),
    });
  }

  /** It was abandoned: what is to be done with the run is for another one of these. */
  get isOver(): boolean {
    return this.isClosed;
  }

  /** This process takes it for its own. */
  get isHeld(): boolean {
    return this.stream.isHeld;
  }

  /** Why the run cannot go on for now; undefined when all is well. */
  get trouble(): Perseverance['trouble'] {
    return this.perseverance.trouble;
  }

  /**
   * Puts a command of an operator or a service to the run; on what the log says, if that is newer.
   *
   * @param behaviour Of the definition to start with.
   * @throws {LeaseLost} Another process has the run.
   * @throws What {@link EventStore.append} throws: then it may have been carried out.
   */
  async ask(command: Order, asked: Asked, behaviour?: Behaviour): Promise<Appended | Rejection> {
    const tryOnce = () => this.transition({ ...command, at: this.now() }, asked);
    try {
      return await this.line.enter(() => {
        this.behaviour ??= behaviour;
        return tryOnce().catch((fault: unknown) => {
          if (!(fault instanceof StreamVersionConflict)) throw fault;
          return tryOnce();
        });
      });
    } finally {
      if (!this.isCertain) this.mend();
    }
  }

  /**
   * Goes on where the last process stopped; this one holds the run from now on, in this epoch.
   * Returns, or throws, after the first try; it is tried again until it succeeds.
   *
   * @returns Whether it is held by that; false when it was before.
   * @throws {LeaseLost} It was given up meanwhile, see {@link isOver}.
   */
  async resume(epoch: number): Promise<boolean> {
    try {
      return await this.line.enter(async () => {
        if (this.isClosed) throw this.stream.lost();
        // In another epoch others have had it since, and this process has not noticed that it was gone.
        if (this.stream.isHeldIn(epoch)) return false;
        this.stream.claim(epoch);
        this.isCertain = false;
        await this.recover();
        if (this.isClosed) throw this.stream.lost();
        return this.stream.isHeld;
      });
    } finally {
      if (!this.isCertain) this.mend();
    }
  }

  /** Nobody lists it as this process's: an append that committed late may have given it away. */
  doubt(): void {
    if (this.isHeld) this.mend();
  }

  /** Begins nothing more; returns when the calls under way are answered and recorded. */
  async drain(): Promise<void> {
    await this.effects.drain();
  }

  /** Stops doing anything. What is under way is finished by whoever takes the run over. */
  abandon(): void {
    this.isClosed = true;
    this.effects.clear();
  }

  private lookWhetherIdle(): void {
    const isBusy = !this.line.isEmpty || this.mending !== undefined;
    // What is uncertain is about to be read again, and may turn out to be held.
    const isNeeded = isBusy || this.stream.isHeld || !this.isCertain;
    if (this.isClosed || !isNeeded) this.around.onIdle(this);
  }

  private isEndedBy(fault: unknown): boolean {
    if (!(fault instanceof LeaseLost)) {
      this.around.onFault(this, fault);
      return false;
    }
    this.abandon();
    this.lookWhetherIdle();
    return true;
  }

  /** A command nobody waits for: repeated until it is in the log, or this process has lost the run. */
  private record(command: RunCommand): Promise<void> {
    return this.perseverance.untilDone(() => this.line.enter(() => this.transition(command)));
  }

  /** Reads the log until it is certain what it says, and goes on from there. */
  private mend(): void {
    if (this.isClosed) return;
    this.isCertain = false;
    this.isMendAsked = true;
    // A transition under way is certain again when it ends, and knows nothing of what was asked.
    const recover = async () => {
      if (this.isMendAsked || !this.isCertain) await this.recover();
    };
    this.mending ??= this.perseverance
      .untilDone(() => this.line.enter(recover))
      .finally(() => {
        this.mending = undefined;
        if (this.isMendAsked) this.mend();
        this.lookWhetherIdle();
      });
  }

  private async recover(): Promise<void> {
    if (!this.lease.isSure)
      throw new LeaseUnsure('the lease of this replica has to be renewed first');
    await this.stream.reload();
    const { state, isHeld } = this.stream;
    if (isStarted(state)) {
      const { workflow_name } = state.started;
      this.behaviour = await this.around.behaviourOf(workflow_name, versionOf(state));
    }
    this.isMendAsked = false;
    if (this.behaviour) {
      const { definition } = this.behaviour;
      this.effects.performAnew(isHeld && !this.isClosed ? pendingEffects(definition, state) : []);
    }
    this.isCertain = true;
  }

  private async transition(order: Order, asked?: Asked): Promise<Appended | Rejection> {
    if (this.isClosed) throw this.stream.lost();
    if (!this.isCertain) await this.recover();
    const { stream, behaviour } = this;
    if (!behaviour)
      return new Rejection('workflow-unknown', 'there is no such workflow', 'not-found');
    const resolved = await this.resolve(order);
    if (resolved instanceof Rejection) return (await stream.answeredBefore(asked)) ?? resolved;
    const { command, next = behaviour } = resolved;
    const { traceparent } = asked?.meta ?? stream.callContext();
    const decision = inSpan(`decide ${command.type}`, decisionFacts(traceparent), () =>
      behaviour.decider.transition(withPosition(command, stream), stream.state),
    );
    if (decision instanceof Rejection) return (await stream.answeredBefore(asked)) ?? decision;
    const { events, state } = decision;
    if (events.length === 0) return stream.unchanged(asked);

    const point = stream.isNew ? 'start' : hasEnded(state) ? 'end' : 'transition';
    this.around.crashPoints.reached(`${point}.before-append`);
    // Whatever is thrown from here on: only the log knows what took place.
    this.isCertain = false;
    const appended = await stream.append(events, state, asked);
    this.around.crashPoints.reached(`${point}.after-append`);
    // The first time its answer was lost; what it led to may not be known here.
    if (appended.repeated) return appended;
    this.behaviour = next;
    if (!this.isClosed) this.effects.perform(effectsOf(behaviour.definition, events, state));
    const { correlationId: correlation_id, traceparent: recordedIn } = stream.callContext();
    this.around.onRecorded(this, events, state, recordedIn);
    for (const incident of openedIncidents(events, { workflow_id: this.id, correlation_id }))
      this.around.onIncident(incident);
    this.isCertain = true;
    return appended;
  }

  /** What is migrated to is looked up by whoever holds the run, where it is decided. */
  private async resolve(order: Order): Promise<Resolved | Rejection> {
    const { state } = this.stream;
    if (order.type !== 'MigrateWorkflow' || !isStarted(state))
      return { command: order as RunCommand };
    const { to_version } = order.data;
    const known = await this.around.versionOf(state.started.workflow_name, to_version);
    if (known instanceof Rejection) return known;
    const { definition, checksum } = known;
    return { command: { ...order, definition, checksum }, next: known };
  }

  private held(effect: CallEffect, because: HeldBecause): Promise<void> {
    const { purpose, step, attempt, reissued } = effect;
    const doubt = reissued ? { reissued } : {};
    const data = { purpose, step, attempt, because, ...doubt } as const;
    return this.record({ type: 'HoldCall', data, at: this.now() });
  }

  private async released({ purpose, step, attempt }: CallEffect): Promise<boolean> {
    const data = { purpose, step, attempt };
    await this.record({ type: 'ReleaseCall', data, at: this.now() });
    const { state } = this.stream;
    const calls = isStarted(state) ? presentCall(state, data) : undefined;
    return calls !== undefined && !calls.isHeld;
  }

  private askChild(effect: ChildEffect): Promise<void> {
    return this.perseverance.untilDone(async () => {
      const result = await this.around.family.ask(effect, this.stream.callContext());
      if (!result) return;
      const { purpose, step, attempt } = effect;
      const data = { purpose, step, attempt, result, reissued: false };
      const answer = { type: 'CallAnswered', data, at: this.now(), chance: 0 } as const;
      await this.line.enter(() => this.transition(answer));
    });
  }

  private tellParent(effect: TellParentEffect): Promise<void> {
    return this.perseverance.untilDone(async () => {
      await this.around.family.tell(this.id, effect, this.stream.callContext());
      const data = { ends: effect.ends };
      await this.line.enter(() =>
        this.transition({ type: 'NoteParentTold', data, at: this.now() }),
      );
    });
  }

  private async answered(effect: CallEffect, result: CallResult): Promise<void> {
    const { purpose, step, attempt, reissued } = effect;
    const data = { purpose, step, attempt, result, reissued };
    const answer = {
      type: 'CallAnswered',
      data,
      at: this.now(),
      chance: this.around.chance(),
    } as const;
    let wanted: CallAnswered = answer;
    await this.perseverance.untilDone(() =>
      this.line.enter(() =>
        this.transition(wanted).catch((fault: unknown) => {
          if (!(fault instanceof AppendRefused) || wanted !== answer) throw fault;
          this.around.onFault(this, fault);
          wanted = withoutAnswer(answer);
          return this.transition(wanted);
        }),
      ),
    );
  }

  private now() {
    return instantOf(this.around.clock.now());
  }
}

/** Where lists have the run is not for those to say who archive it. */
const withPosition = (command: RunCommand, { startedPosition }: RunStream): RunCommand =>
  command.type === 'ArchiveWorkflow'
    ? { ...command, data: { ...command.data, started_position: startedPosition } }
    : command;

/** An answer too large to be recorded counts as none: the call may have had its effect, and the run goes on. */
const withoutAnswer = (command: CallAnswered): CallAnswered => ({
  ...command,
  data: { ...command.data, result: { kind: 'broken', message: 'its answer cannot be recorded' } },
});
