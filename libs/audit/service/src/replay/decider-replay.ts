import {
  Rejection,
  type Command,
  type Decider,
  type Instant,
  type Json,
  type Message,
  type RecordedEvent,
} from '@downbeat/eventsourcing';
import { canonicalJson } from '@downbeat/saga-domain';
import { plain } from './plain';
import type { Comparison, Replay } from './replayer';

/**
 * The command that one append's events answer, told from the events themselves.
 *
 * @returns undefined when no command begins with such events: the log was altered.
 */
export type CauseOf<State, C extends Command, Event extends Message> = (
  events: readonly Event[],
  before: State,
  at: Instant,
) => C | undefined;

/** Replays the stream of any decider. What was altered may make the rules fail: that is a finding, not a fault. */
export class DeciderReplay<State, C extends Command, Event extends Message> implements Replay {
  private current: State;

  constructor(
    private readonly decider: Decider<State, C, Event>,
    private readonly causeOf: CauseOf<State, C, Event>,
  ) {
    this.current = decider.initialState;
  }

  state(): Json {
    return plain(this.current);
  }

  apply(recorded: readonly RecordedEvent[]): Promise<Comparison> {
    const events = recorded.map(({ type, data }) => ({ type, data }) as Event);
    const derived = orImpossible(() => this.derive(events, recorded[0]?.recorded_at as Instant));
    const folded = orImpossible(() => this.fold(events));
    return Promise.resolve(compare(plain(events), folded ?? derived));
  }

  private derive(events: readonly Event[], at: Instant): Json {
    const command = this.causeOf(events, this.current, at);
    if (!command) return impossible('no command leads to these events');
    const decision = this.decider.decide(command, this.current);
    if (!(decision instanceof Rejection)) return plain(decision);
    return { rejected: decision.code, message: decision.message };
  }

  private fold(events: readonly Event[]): Json | undefined {
    for (const event of events) {
      const next = this.decider.evolve(this.current, event) as State | undefined;
      // The types promise a state for every event there is; an altered log holds others.
      if (next === undefined) return impossible(`no rule knows ${event.type}`);
      this.current = next;
    }
    return undefined;
  }
}

const impossible = (why: string): Json => ({ impossible: why });

function orImpossible<Found>(work: () => Found): Found | Json {
  try {
    return work();
  } catch (fault) {
    if (!(fault instanceof Error)) throw fault;
    return impossible(fault.message);
  }
}

const compare = (recorded: Json, derived: Json): Comparison =>
  canonicalJson(recorded) === canonicalJson(derived)
    ? { isSame: true }
    : { isSame: false, recorded, derived };
