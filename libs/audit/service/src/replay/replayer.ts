import type { Json, RecordedEvent } from '@downbeat/eventsourcing';

/** What came of making a decision again. */
export type Comparison =
  | { readonly isSame: true }
  | { readonly isSame: false; readonly recorded: Json; readonly derived: Json };

/** One stream being replayed. */
export interface Replay {
  /**
   * Folds the events of one append, which is one decision, and makes that decision again on the
   * state before them.
   */
  apply(events: readonly RecordedEvent[]): Promise<Comparison>;
  /** As JSON: maps and sets become objects and arrays. */
  state(): Json;
}

/** How the streams of one kind are replayed. */
export interface Replayer {
  /** The context whose rules these are; a stream of another one is not of this kind. */
  readonly context: string;
  readonly begin: () => Replay;
}
