import type { Position } from '@downbeat/eventsourcing';

/** How a question was asked last. */
export interface Asked {
  /** In ms of a clock that never goes back. */
  readonly endedAtMs: number;
  readonly outcome: 'answered' | 'unavailable' | 'broken';
  /** Its answer holds everything that was heard of up to here. */
  readonly upTo: Position;
}

export interface AskingPace {
  /** What the client that is in the greatest hurry wants. */
  readonly everyMs: number;
  readonly lookMs: number;
  readonly retryMs: number;
}

/**
 * When to ask again. News lead to a question at once, but not within `everyMs` after the last answer, so
 * that one that takes long leaves room for others; without any it is asked each `lookMs`, since a hint
 * may be lost, and not everything that is shown is a fact.
 *
 * @param heardOf The newest position at which something may have changed.
 */
export function dueAtMs(asked: Asked, heardOf: Position, pace: AskingPace): number {
  const { endedAtMs, outcome, upTo } = asked;
  const { everyMs, lookMs, retryMs } = pace;
  if (outcome === 'unavailable') return endedAtMs + retryMs;
  const hasNews = outcome === 'answered' && heardOf > upTo;
  return endedAtMs + (hasNews ? everyMs : Math.max(lookMs, everyMs));
}
