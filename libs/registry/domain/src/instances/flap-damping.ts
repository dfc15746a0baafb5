import { instantOf, type Instant } from '@downbeat/eventsourcing';

/** What its changes from healthy to unhealthy weigh at a moment; it halves with time. */
export interface Penalty {
  readonly weight: number;
  readonly at: Instant;
}

/** Milliseconds in which a penalty halves. */
export const HALF_LIFE_MS = 60_000;
/** A penalty from here on holds the instance back: three changes within half a minute … */
export const SUPPRESSED_FROM = 2.5;
/** … until it has come down to this. */
export const RELEASED_AT = 1;
/** However often it changed, it is held back no longer than this after the last time. */
export const SUPPRESSED_MAX_MS = 300_000;

/**
 * One more change for the worse.
 *
 * @see RFC 2439, route flap damping: a penalty that decays, a threshold to suppress and a lower one to release.
 */
export function penaltyAfter(before: Penalty | undefined, at: Instant): Penalty {
  if (!before) return { weight: 1, at };
  const elapsedMs = Math.max(0, Date.parse(at) - Date.parse(before.at));
  return { weight: before.weight * 0.5 ** (elapsedMs / HALF_LIFE_MS) + 1, at };
}

/** Until when an instance with this penalty is held back; undefined: it is not. */
export function suppressedUntil({ weight, at }: Penalty): Instant | undefined {
  if (weight < SUPPRESSED_FROM) return undefined;
  const decayMs = HALF_LIFE_MS * Math.log2(weight / RELEASED_AT);
  return instantOf(Date.parse(at) + Math.ceil(Math.min(decayMs, SUPPRESSED_MAX_MS)));
}
