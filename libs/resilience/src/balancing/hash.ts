/** The finalizer of MurmurHash3: every bit of the input moves half of the bits of the output. */
export function mix(bits: number): number {
  let mixed = bits ^ (bits >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * 32 bits for a text, the same in every process; not for secrets.
 *
 * @see FNV-1a (Fowler, Noll, Vo; RFC 9923), here over UTF-16 units, then mixed.
 */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return mix(hash);
}

/** A hash as a number above 0 and below 1. */
export const fractionOf = (hash: number): number => (hash + 0.5) / 0x1_0000_0000;
