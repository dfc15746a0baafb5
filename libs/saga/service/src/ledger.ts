import { StreamVersionConflict, type EventStore, type Snapshot } from '@downbeat/event-store';
import {
  instantOf,
  Rejection,
  type Command,
  type Decider,
  type EventMeta,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';
import type { Clock } from '@downbeat/service-host';

const ATTEMPTS_MAX = 3;

type WithoutTime<C> = C extends Command ? Omit<C, 'at'> : never;

/**
 * A stream's state in memory, for whoever works on it again and again: only what is new is read. A
 * decision is made on fresh state when somebody else was faster.
 */
export class Ledger<State, C extends Command, Event extends Message> {
  private folded: State;
  private version: number;

  /**
   * @param actor Who works on it, for the events' metadata.
   * @param from What is known already; default: the whole stream is read.
   */
  constructor(
    private readonly decider: Decider<State, C, Event>,
    private readonly stream: StreamName,
    private readonly actor: string,
    private readonly store: EventStore,
    private readonly clock: Clock,
    from?: Pick<Snapshot<State>, 'state' | 'version'>,
  ) {
    this.folded = from?.state ?? decider.initialState;
    this.version = from?.version ?? 0;
  }

  get state(): State {
    return this.folded;
  }

  async refresh(): Promise<void> {
    const news = await this.store.load<Event>(this.stream, this.version);
    this.fold(news as unknown as readonly Event[]);
  }

  /**
   * Decides, and records what was decided; what the rules refuse is of no use any more.
   *
   * @throws {StreamVersionConflict} Three times somebody else was first.
   */
  async carryOut(command: WithoutTime<C>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const at = instantOf(this.clock.now());
      const events = this.decider.decide({ ...command, at } as unknown as C, this.folded);
      if (events instanceof Rejection || events.length === 0) return;
      const { stream, version: expected } = this;
      try {
        await this.store.append({ stream, expected, events, meta: this.meta() });
        return this.fold(events);
      } catch (fault) {
        if (!(fault instanceof StreamVersionConflict) || attempt === ATTEMPTS_MAX) throw fault;
        await this.refresh();
      }
    }
  }

  private fold(events: readonly Event[]): void {
    this.folded = events.reduce((state, event) => this.decider.evolve(state, event), this.folded);
    this.version += events.length;
  }

  private meta(): EventMeta {
    return { correlation_id: this.stream, causation_id: this.stream, actor: this.actor };
  }
}
