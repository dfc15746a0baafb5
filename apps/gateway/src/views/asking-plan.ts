import type { Position } from '@downbeat/eventsourcing';

/** How a question was asked last; times in ms of a clock that never goes back. */
export interface Asked {
  readonly beganAtMs: number;
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
 * When to ask again. News lead to a question at once, and to no more than one each `everyMs`; without
 * any it is asked each `lookMs`, since a hint may be lost, and not everything that is shown is a fact.
 * A question that takes long is asked at most half of the time.
 *
 * @param heardOf The newest position at which something may have changed.
 */
export function dueAtMs(asked: Asked, heardOf: Position, pace: AskingPace): number {
  const { beganAtMs, endedAtMs, outcome, upTo } = asked;
  const lookAtMs = beganAtMs + Math.max(pace.lookMs, pace.everyMs);
  switch (outcome) {
    case 'broken':
      return Math.max(lookAtMs, endedAtMs + pace.lookMs);
    case 'unavailable':
      return endedAtMs + pace.retryMs;
    case 'answered': {
      const restedAtMs = endedAtMs + (endedAtMs - beganAtMs);
      return Math.max(heardOf > upTo ? beganAtMs + pace.everyMs : lookAtMs, restedAtMs);
    }
  }
}
