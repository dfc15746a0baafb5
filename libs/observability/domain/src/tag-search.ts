import type { Span } from './span';

/** As much of the tags of a trace can be looked for. */
const PAIRS_MAX = 128;
const PAIR_LENGTH_MAX = 128;

/** A tag as it is looked for: `http.route=/orders`. */
export const pairOf = (name: string, value: string): string => `${name}=${value}`;

/** The pairs of a trace, with those that more spans bring; the first ones stay. */
export function pairsWith(pairs: readonly string[], spans: readonly Span[]): readonly string[] {
  if (pairs.length >= PAIRS_MAX) return pairs;
  const all = new Set(pairs);
  for (const { tags = {} } of spans)
    for (const [name, value] of Object.entries(tags)) {
      if (all.size >= PAIRS_MAX) return [...all];
      const pair = pairOf(name, value);
      if (pair.length <= PAIR_LENGTH_MAX) all.add(pair);
    }
  return all.size === pairs.length ? pairs : [...all];
}

/** `a=1,b=2` as the pairs that are wanted; a value may hold `=`. */
export const wantedPairs = (text: string): readonly string[] => text.split(',');
