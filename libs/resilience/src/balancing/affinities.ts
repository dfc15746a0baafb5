/**
 * Remembers the latest `max` keys in two halves: when the young half is full it becomes the old one
 * and what was old is forgotten. Looking a key up in the young half changes nothing, so it costs no
 * more than a `Map`; a key among the last `max / 2` different ones is never forgotten.
 *
 * @see Least recently used by generations, as in Dominic Tarr's hashlru.
 */
export class Affinities<Value> {
  private young = new Map<string, Value>();
  private old = new Map<string, Value>();
  private readonly half: number;

  /** @param max At least 2. */
  constructor(max: number) {
    this.half = Math.floor(max / 2);
  }

  get size(): number {
    let both = 0;
    for (const key of this.young.keys()) if (this.old.has(key)) both++;
    return this.young.size + this.old.size - both;
  }

  get(key: string): Value | undefined {
    const young = this.young.get(key);
    if (young !== undefined) return young;
    const old = this.old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: Value): void {
    if (this.young.size >= this.half && !this.young.has(key)) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(key, value);
  }
}
