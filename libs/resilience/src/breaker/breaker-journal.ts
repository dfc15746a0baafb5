import type { BreakerKey } from './breaker-table';
import { CallTally, type CallInterval } from './call-tally';
import type { Transition } from './transition';

/** A transition, and how far the calendar is from the clock it was timed by: to be added to its times. */
export interface Noted {
  readonly transition: Transition;
  readonly calendarOffsetMs: number;
}

/** What is new of one breaker. */
export interface JournalPage {
  readonly key: BreakerKey;
  readonly transitions: readonly Noted[];
  /** Older transitions for which there was no room. */
  readonly lost: number;
  readonly intervals: readonly CallInterval[];
}

export interface JournalBounds {
  readonly breakers: number;
  /** Of all breakers together. */
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

const nameOf = ({ source, target, pattern }: BreakerKey): string =>
  JSON.stringify([source, target, pattern]);

/**
 * What the breakers of a process did and what was called through them, until somebody can be told.
 * Bounded: minutes are merged (see {@link CallTally}); of too many transitions the breaker with the
 * most of them gives up its oldest, and says how many.
 */
export class BreakerJournal {
  private readonly entries = new Map<string, Entry>();
  private noted = 0;

  constructor(private readonly transitionsMax = TRANSITIONS_MAX) {}

  get hasTransitions(): boolean {
    return this.noted > 0;
  }

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
    const entry = this.entries.get(nameOf(key));
    if (!entry) return;
    entry.isDropped = true;
    this.forgetIfDone(entry);
  }

  /** Of so many breakers that have something new; what is taken is gone. */
  take(bounds: JournalBounds): readonly JournalPage[] {
    const pages: JournalPage[] = [];
    let { transitions, intervals } = bounds;
    // Those that changed come first: what they tell is what people wait for.
    const entries = [...this.entries.values()].sort(
      (one, other) => Math.sign(other.transitions.length) - Math.sign(one.transitions.length),
    );
    for (const entry of entries) {
      if (pages.length >= bounds.breakers) break;
      const page = this.pageOf(entry, transitions, intervals);
      if (!page) continue;
      transitions -= page.transitions.length;
      intervals -= page.intervals.length;
      pages.push(page);
    }
    return pages;
  }

  private pageOf(entry: Entry, transitionsMax: number, intervalsMax: number) {
    const { key, tally } = entry;
    const transitions = entry.transitions.splice(0, transitionsMax);
    const intervals = tally.take(intervalsMax);
    if (transitions.length + intervals.length === 0) return undefined;
    const { lost } = entry;
    entry.lost = 0;
    this.noted -= transitions.length;
    this.forgetIfDone(entry);
    return { key, transitions, lost, intervals };
  }

  private entryOf(key: BreakerKey): Entry {
    const name = nameOf(key);
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

  private forgetIfDone({ key, tally, transitions, isDropped }: Entry): void {
    if (isDropped && tally.isEmpty && transitions.length === 0) this.entries.delete(nameOf(key));
  }
}
