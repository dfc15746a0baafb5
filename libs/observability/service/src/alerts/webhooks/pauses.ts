import { LRUCache } from 'lru-cache';

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;
const PAUSES_MAX = 1_000;

/** What failed without anybody being able to record that waits longer and longer, while this process lives. */
export class Pauses {
  private readonly pauses = new LRUCache<
    string,
    { readonly untilMs: number; readonly lengthMs: number }
  >({ max: PAUSES_MAX });

  begin(id: string, nowMs: number): void {
    const before = this.pauses.get(id)?.lengthMs;
    const lengthMs = before === undefined ? FIRST_MS : Math.min(before * 2, LONGEST_MS);
    this.pauses.set(id, { untilMs: nowMs + lengthMs, lengthMs });
  }

  end(id: string): void {
    this.pauses.delete(id);
  }

  lasts(id: string, nowMs: number): boolean {
    const pause = this.pauses.get(id);
    return pause !== undefined && nowMs < pause.untilMs;
  }
}
