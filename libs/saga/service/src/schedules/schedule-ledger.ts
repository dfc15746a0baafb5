import { StreamVersionConflict, type EventStore } from '@downbeat/event-store';
import { instantOf, Rejection, type EventMeta } from '@downbeat/eventsourcing';
import {
  schedule,
  scheduleStream,
  type Schedule,
  type ScheduleCommand,
  type ScheduleEvent,
} from '@downbeat/saga-domain';
import type { Clock } from '@downbeat/service-host';

const ATTEMPTS_MAX = 3;

type WithoutTime<C> = C extends ScheduleCommand ? Omit<C, 'at'> : never;

/** A schedule's state in memory, which reads of its stream only what is new: the stream grows with every run. */
export class ScheduleLedger {
  private folded: Schedule = schedule.initialState;
  private version = 0;

  constructor(
    readonly name: string,
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {}

  get state(): Schedule {
    return this.folded;
  }

  async refresh(): Promise<void> {
    const news = await this.store.load<ScheduleEvent>(scheduleStream(this.name), this.version);
    this.fold(news as readonly ScheduleEvent[]);
  }

  /**
   * Decides, and records what was decided. Of a deleted schedule there is nothing to record.
   *
   * @throws {StreamVersionConflict} Three times somebody else was first.
   */
  async carryOut(command: WithoutTime<ScheduleCommand>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const at = instantOf(this.clock.now());
      const events = schedule.decide({ ...command, at } as ScheduleCommand, this.folded);
      if (events instanceof Rejection || events.length === 0) return;
      const stream = scheduleStream(this.name);
      try {
        await this.store.append({ stream, expected: this.version, events, meta: this.meta() });
        return this.fold(events);
      } catch (fault) {
        if (!(fault instanceof StreamVersionConflict) || attempt === ATTEMPTS_MAX) throw fault;
        await this.refresh();
      }
    }
  }

  private fold(events: readonly ScheduleEvent[]): void {
    this.folded = events.reduce(schedule.evolve, this.folded);
    this.version += events.length;
  }

  private meta(): EventMeta {
    const id = scheduleStream(this.name);
    return { correlation_id: id, causation_id: id, actor: 'saga-schedules' };
  }
}
