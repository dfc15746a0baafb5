import { PRIORITIES, type Priority } from '@downbeat/contracts';
import { WeightedTurns } from '@downbeat/resilience';

const WEIGHTS: Readonly<Record<Priority, number>> = { critical: 8, high: 4, normal: 2, low: 1 };

interface Queued {
  readonly priority: Priority;
  readonly key: string | undefined;
}

/** One key's calls of one priority, first come first served. */
interface Row<Call> {
  readonly calls: { readonly call: Call; readonly number: number }[];
}

/**
 * Calls in front of one target: priorities take turns by weight, within one the oldest goes first
 * whose key has room. A key that has enough holds up nobody else.
 */
export class WaitingCalls<Call extends Queued> {
  private readonly rows: Readonly<Record<Priority, Map<string | undefined, Row<Call>>>> = {
    critical: new Map(),
    high: new Map(),
    normal: new Map(),
    low: new Map(),
  };
  private readonly turns = new WeightedTurns(WEIGHTS);
  private arrivals = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  add(call: Call): void {
    const rows = this.rows[call.priority];
    const row = rows.get(call.key) ?? { calls: [] };
    rows.set(call.key, row);
    row.calls.push({ call, number: this.arrivals++ });
    this.count++;
  }

  /** Takes out whose turn it is; undefined when no key has room, or nobody waits. */
  next(hasRoom: (key: string | undefined) => boolean): Call | undefined {
    const heads = new Map<Priority, Row<Call>>();
    for (const priority of PRIORITIES) {
      const oldest = this.oldest(priority, hasRoom);
      if (oldest) heads.set(priority, oldest);
    }
    if (heads.size === 0) return undefined;
    const row = heads.get(this.turns.next([...heads.keys()]));
    const head = row?.calls.shift();
    if (head) this.taken(head.call, row);
    return head?.call;
  }

  /** @returns Whether it was there. */
  drop(call: Call): boolean {
    const row = this.rows[call.priority].get(call.key);
    const at = row?.calls.findIndex((queued) => queued.call === call) ?? -1;
    if (!row || at < 0) return false;
    row.calls.splice(at, 1);
    this.taken(call, row);
    return true;
  }

  /** All of them, those of one priority together. */
  *[Symbol.iterator](): Generator<Call> {
    for (const priority of PRIORITIES)
      for (const row of this.rows[priority].values()) for (const { call } of row.calls) yield call;
  }

  /** Whose calls wait; a key may come once for each priority. */
  *keys(): Generator<string | undefined> {
    for (const priority of PRIORITIES) yield* this.rows[priority].keys();
  }

  private oldest(
    priority: Priority,
    hasRoom: (key: string | undefined) => boolean,
  ): Row<Call> | undefined {
    let oldest: { readonly row: Row<Call>; readonly number: number } | undefined;
    for (const [key, row] of this.rows[priority]) {
      const [head] = row.calls;
      if (!head || (oldest && oldest.number < head.number) || !hasRoom(key)) continue;
      oldest = { row, number: head.number };
    }
    return oldest?.row;
  }

  private taken({ priority, key }: Call, row: Row<Call> | undefined): void {
    this.count--;
    if (row?.calls.length !== 0) return;
    this.rows[priority].delete(key);
    if (this.rows[priority].size === 0) this.turns.forget(priority);
  }
}
