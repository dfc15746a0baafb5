import { breakerName, type BreakerKey } from './breaker-table';
import { CallTally, type CallInterval } from './call-tally';
import type { Transition } from './transition';

/** A transition, and how far the calendar is from the clock it was timed by: to be added to its times. */
export interface Noted {
  readonly transition: Transition;
  readonly calendarOffsetMs: number;
}

/** What is new of one breaker. */
export interface JournalPage {
  readonly transitions: readonly Noted[];
  /** Older transitions for which there was no room. */
  readonly lost: number;
  readonly intervals: readonly CallInterval[];
}

export interface JournalBounds {
  readonly transitions: number;
  readonly intervals: number;
}

interface Entry {
  readonly key: BreakerKey;
  readonly tally: CallTally;
  transitions: Noted[];
  lost: number;
  isDropped: boolean;
}

const TRANSITIONS_MAX = 1_000;
const NOTHING_NEW: JournalPage = { transitions: [], lost: 0, intervals: [] };

/**
 * What the breakers of a process did and what was called through them, until somebody can be told.
 * Bounded: minutes are merged (see {@link CallTally}); of too many transitions the breaker with the
 * most of them gives up its oldest, and says how many.
 */
export class BreakerJournal {
  private readonly entries = new Map<string, Entry>();
  private noted = 0;

  constructor(private readonly transitionsMax = TRANSITIONS_MAX) {}

  /** Where calls through this breaker are counted, until it is dropped. */
  tallyOf(key: BreakerKey): CallTally {
    const entry = this.entryOf(key);
    entry.isDropped = false;
    return entry.tally;
  }

  /** @param calendarOffsetMs To be added to the times of the transition. */
  note(key: BreakerKey, transition: Transition, calendarOffsetMs: number): void {
    this.entryOf(key).transitions.push({ transition, calendarOffsetMs });
    if (++this.noted > this.transitionsMax) this.giveUpOldest();
  }

  /** The breaker is gone; what is still to be told of it is told. */
  drop(key: BreakerKey): void {
    const entry = this.entries.get(breakerName(key));
    if (!entry) return;
    entry.isDropped = true;
    if (isDone(entry)) this.entries.delete(breakerName(key));
  }

  /** Those with transitions to be told of; first those whose turn was the longest ago. */
  changed(): readonly BreakerKey[] {
    if (this.noted === 0) return [];
    return this.keysWhere(({ transitions }) => transitions.length > 0);
  }

  /** Those of which anything is to be told, in the same order. */
  untold(): readonly BreakerKey[] {
    return this.keysWhere(({ transitions, tally }) => transitions.length > 0 || !tally.isEmpty);
  }

  /** What is new of one of them, whose turn it was now; what is taken is gone. */
  take(key: BreakerKey, bounds: JournalBounds): JournalPage {
    const name = breakerName(key);
    const entry = this.entries.get(name);
    if (!entry) return NOTHING_NEW;
    const transitions = entry.transitions.splice(0, bounds.transitions);
    const intervals = entry.tally.take(bounds.intervals);
    const { lost } = entry;
    entry.lost = 0;
    this.noted -= transitions.length;
    this.entries.delete(name);
    if (!isDone(entry)) this.entries.set(name, entry);
    return { transitions, lost, intervals };
  }

  private keysWhere(isOne: (entry: Entry) => boolean): readonly BreakerKey[] {
    return [...this.entries.values()].filter(isOne).map(({ key }) => key);
  }

  private entryOf(key: BreakerKey): Entry {
    const name = breakerName(key);
    const known = this.entries.get(name);
    if (known) return known;
    const entry = { key, tally: new CallTally(), transitions: [], lost: 0, isDropped: false };
    this.entries.set(name, entry);
    return entry;
  }

  private giveUpOldest(): void {
    let most: Entry | undefined;
    for (const entry of this.entries.values())
      if (entry.transitions.length > (most?.transitions.length ?? 0)) most = entry;
    if (!most) return;
    most.transitions.shift();
    most.lost++;
    this.noted--;
  }
}

const isDone = ({ tally, transitions, isDropped }: Entry): boolean =>
  isDropped && tally.isEmpty && transitions.length === 0;
