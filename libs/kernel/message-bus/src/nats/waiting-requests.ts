const WAITING_MAX = 10_000;
const WAITING_MS = 60_000;

interface Waiting {
  readonly key: string;
  readonly reply: string;
  readonly since: number;
}

/** Who waits for the outcome of which command: first in, first out for each key; the oldest go when there are too many. */
export class WaitingRequests {
  private readonly byKey = new Map<string, Waiting[]>();
  /** All of them, oldest first. */
  private readonly all = new Set<Waiting>();

  constructor(
    private readonly onForgotten: () => void,
    private readonly now: () => number = Date.now,
  ) {}

  add(key: string, reply: string): void {
    this.forgetOld();
    const waiting = { key, reply, since: this.now() };
    this.all.add(waiting);
    const same = this.byKey.get(key);
    if (same) same.push(waiting);
    else this.byKey.set(key, [waiting]);
  }

  has(key: string): boolean {
    return this.byKey.has(key);
  }

  takeOldest(key: string): string | undefined {
    const [oldest] = this.byKey.get(key) ?? [];
    if (oldest) this.remove(oldest);
    return oldest?.reply;
  }

  takeAll(key: string): string[] {
    const same = [...(this.byKey.get(key) ?? [])];
    for (const waiting of same) this.remove(waiting);
    return same.map(({ reply }) => reply);
  }

  take(key: string, reply: string): boolean {
    const found = this.byKey.get(key)?.find((waiting) => waiting.reply === reply);
    if (found) this.remove(found);
    return found !== undefined;
  }

  private forgetOld(): void {
    const since = this.now() - WAITING_MS;
    for (const oldest of this.all) {
      if (this.all.size < WAITING_MAX && oldest.since > since) return;
      this.remove(oldest);
      this.onForgotten();
    }
  }

  private remove(waiting: Waiting): void {
    this.all.delete(waiting);
    const left = (this.byKey.get(waiting.key) ?? []).filter((other) => other !== waiting);
    if (left.length > 0) this.byKey.set(waiting.key, left);
    else this.byKey.delete(waiting.key);
  }
}
