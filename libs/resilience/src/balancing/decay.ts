/** Below this part of the decay time three terms of the series are right to a millionth. */
const SHORT = 0.01;

/** Of the decay time: in so much next to nothing fades. */
const MOMENT = 0.000_1;

export const momentMs = (decayMs: number): number => decayMs * MOMENT;

/**
 * What is left of a value after a time: `e ** -(elapsedMs / decayMs)`. Calls follow each other closely, and
 * for those it is worked out without the exponential, which costs as much as the rest of a pick.
 */
export function keptAfter(elapsedMs: number, decayMs: number): number {
  if (elapsedMs <= 0) return 1;
  const part = elapsedMs / decayMs;
  return part < SHORT ? 1 - part * (1 - part / 2) : Math.exp(-part);
}
