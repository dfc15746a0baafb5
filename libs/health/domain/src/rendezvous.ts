/**
 * Who of `members` has `key`: the one with the highest weight for it. When a member goes, its keys
 * alone move, to all the others; when one comes, it takes its share from all. Nothing is kept, so
 * everyone who knows the same members comes to the same answer.
 *
 * @see David Thaler, Chinya Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998
 *      (highest random weight).
 * @returns Undefined when there is no member.
 */
export function ownerOf(key: string, members: readonly string[]): string | undefined {
  let owner: string | undefined;
  let highest = -1;
  for (const member of members) {
    const weight = weightOf(member, key);
    if (weight < highest || (weight === highest && owner !== undefined && member > owner)) continue;
    highest = weight;
    owner = member;
  }
  return owner;
}

/** 32 bits, the same in every process: FNV-1a (RFC 9923) over UTF-16 units, then MurmurHash3's finalizer. */
function weightOf(member: string, key: string): number {
  const text = `${key} ${member}`;
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
