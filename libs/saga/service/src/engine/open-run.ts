import {
  LeaseLost,
  StreamVersionConflict,
  type Appended,
  type EventStore,
  type LeaseUse,
} from '@downbeat/event-store';
import {
  epochMs,
  Fault,
  fold,
  instantOf,
  Rejection,
  type EventMeta,
  type JsonObject,
} from '@downbeat/eventsourcing';
import {
  effectsOf,
  isStarted,
  pendingEffects,
  workflowStream,
  type CallEffect,
  type CompiledDefinition,
  type Effect,
  type RunCommand,
  type RunDecider,
  type RunEvent,
  type RunState,
} from '@downbeat/saga-domain';
import type { Clock } from '@downbeat/service-host';
import type { TargetCaller } from '../targets/target-caller';
import type { CrashPoints } from './crash-points';
import { Timers } from './timers';

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'compensated']);
const RECOVERY_PAUSE_FIRST_MS = 100;
const RECOVERY_PAUSE_MAX_MS = 5_000;

/** A definition with the decider made for it. */
export interface Behaviour {
  readonly definition: CompiledDefinition;
  readonly decider: RunDecider;
}

/** What a run needs from the engine that holds it. */
export interface RunSurroundings {
  readonly store: EventStore;
  readonly targets: TargetCaller;
  readonly clock: Clock;
  readonly crashPoints: CrashPoints;
  /** A random number from 0 to 1. */
  readonly chance: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** The run needs this process no longer: it ended, or another process has it. */
  readonly onClosed: (run: OpenRun) => void;
  readonly onFault: (run: OpenRun, fault: unknown) => void;
}

/** The command behind a transition, when somebody waits for its answer. */
export interface Asked {
  readonly meta: EventMeta;
  readonly commandId?: string;
  readonly answer: (state: RunState) => JsonObject;
}

/**
 * One run in the hands of this process: decides, appends, and does what follows from it, one
 * transition after another. All it keeps can be had from the log again, and is, whenever it is not
 * sure what was appended.
 */
export class OpenRun {
  private state: RunState;
  private version = 0;
  private holding = false;
  private closed = false;
  private line: Promise<unknown> = Promise.resolve();
  private readonly timers: Timers;
  private draining = false;
  /** Calls this process has under way until their answers are recorded, by key and attempt. */
  private readonly calling = new Map<string, Promise<void>>();

  constructor(
    readonly id: string,
    private readonly owner: string,
    private epoch: number,
    private readonly behaviour: Behaviour,
    private readonly around: RunSurroundings,
  ) {
    this.state = behaviour.decider.initialState;
    this.timers = new Timers(
      around.clock,
      (timer_id) => void this.later({ type: 'TimerDue', data: { timer_id }, at: this.now() }),
    );
  }

  /** Whether this process holds the run, so that nobody else works on it. */
  get isHeld(): boolean {
    return this.holding && !this.closed;
  }

  /**
   * Puts a command of an operator or a service to the run; on what the log says, if that is newer.
   *
   * @throws {LeaseLost} Another process has the run.
   * @throws What {@link EventStore.append} throws.
   */
  async ask(command: RunCommand, asked: Asked): Promise<Appended | Rejection> {
    return this.inLine(async () => {
      try {
        return await this.transition(command, asked);
      } catch (fault) {
        if (!(fault instanceof StreamVersionConflict)) throw fault;
        await this.recover();
        return this.transition(command, asked);
      }
    });
  }

  /** Reads a run that nobody has to work on: ended, or parked. */
  async look(): Promise<void> {
    await this.inLine(() => this.reload());
  }

  /** Reads the run from the log and goes on where its last process stopped. */
  async resume(): Promise<void> {
    await this.inLine(async () => {
      await this.reload();
      this.holding = true;
      this.perform(pendingEffects(this.behaviour.definition, this.state));
    });
  }

  /** Begins nothing more; returns when the calls under way are answered and recorded, or after `ms`. */
  async drain(ms: number): Promise<void> {
    this.draining = true;
    this.timers.clear();
    const answered = Promise.allSettled([...this.calling.values()]);
    await Promise.race([answered, this.around.pause(ms)]);
    this.abandon();
  }

  /** Stops doing anything. What is under way is finished by whoever takes the run over. */
  abandon(): void {
    this.closed = true;
    this.timers.clear();
  }

  private inLine<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.line.then(work);
    this.line = result.catch(() => undefined);
    return result;
  }

  /** A command nobody waits for: repeated until it is in the log or this process has lost the run. */
  private later(command: RunCommand): Promise<void> {
    return this.inLine(() => this.persist(command)).catch((fault: unknown) =>
      this.around.onFault(this, fault),
    );
  }

  private async persist(command: RunCommand): Promise<void> {
    let pauseMs = RECOVERY_PAUSE_FIRST_MS;
    while (!this.closed) {
      try {
        await this.transition(command);
        return;
      } catch (fault) {
        if (fault instanceof LeaseLost) return this.close();
        if (!(fault instanceof Fault)) throw fault;
        this.around.onFault(this, fault);
        await this.around.pause(pauseMs);
        pauseMs = Math.min(pauseMs * 2, RECOVERY_PAUSE_MAX_MS);
        await this.recover();
      }
    }
  }

  /** Whether the last append took place is unknown: the log says it, and what is still to be done. */
  private async recover(): Promise<void> {
    try {
      await this.reload();
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      return this.around.onFault(this, fault);
    }
    this.timers.clear();
    if (this.holding) this.perform(pendingEffects(this.behaviour.definition, this.state));
  }

  private async reload(): Promise<void> {
    const past = await this.around.store.load<RunEvent>(workflowStream(this.id));
    this.state = fold(this.behaviour.decider, past as readonly RunEvent[]);
    this.version = past.length;
  }

  private async transition(command: RunCommand, asked?: Asked): Promise<Appended | Rejection> {
    if (this.closed) throw new LeaseLost(workflowStream(this.id), this.owner, this.epoch);
    const { decider, definition } = this.behaviour;
    const decision = decider.transition(command, this.state);
    if (decision instanceof Rejection) return decision;
    const { events, state } = decision;
    if (events.length === 0 && asked?.commandId === undefined)
      return { version: this.version, position: 0, repeated: false };

    const hasEnded = isStarted(state) && ENDED.has(state.status);
    const point = this.version === 0 ? 'start' : hasEnded ? 'end' : 'transition';
    this.around.crashPoints.reached(`${point}.before-append`);
    const appended = await this.append(events, state, hasEnded, asked);
    this.around.crashPoints.reached(`${point}.after-append`);
    if (appended.repeated) return appended;

    if (events.length === 0) return appended;
    this.version = appended.version;
    this.state = state;
    this.holding = !hasEnded;
    this.perform(effectsOf(definition, events, state));
    if (hasEnded) this.close();
    return appended;
  }

  private append(
    events: readonly RunEvent[],
    state: RunState,
    hasEnded: boolean,
    asked: Asked | undefined,
  ): Promise<Appended> {
    const lease = events.length === 0 ? undefined : this.leaseFor(hasEnded);
    return this.around.store.append({
      stream: workflowStream(this.id),
      expected: this.version,
      events,
      meta: this.meta(state, asked),
      ...(asked?.commandId === undefined
        ? {}
        : { command: { id: asked.commandId, answer: asked.answer(state) } }),
      ...(lease === undefined ? {} : { lease }),
    });
  }

  /** A run that starts and ends in one append is nobody's. */
  private leaseFor(hasEnded: boolean): LeaseUse | undefined {
    if (!this.holding && hasEnded) return undefined;
    const use = !this.holding ? 'acquire' : hasEnded ? 'release' : 'hold';
    if (use === 'acquire') this.epoch = 1;
    return { use, owner: this.owner, epoch: this.epoch };
  }

  /** Whoever asks: all events of a run carry its own correlation id. */
  private meta(state: RunState, asked: Asked | undefined): EventMeta {
    const correlation_id = isStarted(state) ? state.started.correlation_id : this.id;
    return asked
      ? { ...asked.meta, correlation_id }
      : { correlation_id, causation_id: this.id, actor: 'saga-engine' };
  }

  private perform(effects: readonly Effect[]): void {
    if (this.draining) return; // Whoever takes the run over derives them from the log.
    for (const effect of effects) {
      switch (effect.effect) {
        case 'call':
          this.call(effect);
          break;
        case 'set-timer':
          this.timers.set(effect.timer_id, epochMs(effect.due));
          break;
        case 'cancel-timer':
          this.timers.cancel(effect.timer_id);
          break;
        case 'ended':
          this.timers.clear();
          break;
        case 'parked':
          break;
      }
    }
  }

  private call(effect: CallEffect): void {
    const underWay = `${effect.key}:${effect.attempt}`;
    if (this.calling.has(underWay)) return; // After a recovery: this process waits for it already.
    const answered = this.callAndAnswer(effect)
      .catch((fault: unknown) => this.around.onFault(this, fault))
      .finally(() => this.calling.delete(underWay));
    this.calling.set(underWay, answered);
  }

  private async callAndAnswer(effect: CallEffect): Promise<void> {
    const { crashPoints, targets, chance } = this.around;
    const kind = effect.purpose === 'undo' ? 'undo' : 'call';
    const correlationId = isStarted(this.state) ? this.state.started.correlation_id : this.id;
    crashPoints.reached(`${kind}.before-sending`);
    const result = await targets.call(effect, { correlationId });
    crashPoints.reached(`${kind}.after-answer`);
    if (this.closed) return;
    const { purpose, step, attempt, reissued } = effect;
    await this.later({
      type: 'CallAnswered',
      data: { purpose, step, attempt, result, reissued },
      at: this.now(),
      chance: chance(),
    });
  }

  private close(): void {
    this.abandon();
    this.around.onClosed(this);
  }

  private now() {
    return instantOf(this.around.clock.now());
  }
}
