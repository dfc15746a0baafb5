import type { Position } from '@downbeat/eventsourcing';

/** How processes tell one another that the log grew. Wake-ups only: losing one costs a poll. */
export interface LogHints {
  /** Must not throw and must not wait: an append has been answered already. */
  publish(position: Position): void;
  /** Calls `listener` with the hints of other processes; returns the unsubscribe function. */
  subscribe(listener: (position: Position) => void): () => void;
}
