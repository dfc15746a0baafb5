import type { Position } from '@downbeat/eventsourcing';

/** "The log grew." */
export interface LogHint {
  /** Of the newest event. */
  readonly position: Position;
  /** Whose events were appended; absent when that is not known, so that everybody has to look. */
  readonly contexts?: readonly string[];
}

/** How processes tell one another that the log grew. Wake-ups only: losing one costs a poll. */
export interface LogHints {
  /** Must not throw and must not wait: an append has been answered already. */
  publish(hint: LogHint): void;
  /** Calls `listener` with the hints of other processes, and maybe with its own; returns the unsubscribe function. */
  subscribe(listener: (hint: LogHint) => void): () => void;
}
