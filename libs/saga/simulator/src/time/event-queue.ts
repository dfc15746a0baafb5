/** Something that will happen. */
export interface Happening {
  /** When, on the queue's own clock. */
  at: number;
  /** Of two at the same time the one that was planned first comes first. */
  readonly order: number;
}

/** A priority queue (binary heap): the earliest happening first. */
export class EventQueue<Item extends Happening> {
  private readonly heap: Item[] = [];

  get size(): number {
    return this.heap.length;
  }

  first(): Item | undefined {
    return this.heap[0];
  }

  push(item: Item): void {
    const { heap } = this;
    let place = heap.push(item) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (!parent || !isEarlier(item, parent)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = item;
  }

  pop(): Item | undefined {
    const { heap } = this;
    const top = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return top;
    let place = 0;
    for (;;) {
      const left = heap[2 * place + 1];
      const right = heap[2 * place + 2];
      if (!left) break;
      const isRight = right !== undefined && isEarlier(right, left);
      const child = isRight ? right : left;
      if (!isEarlier(child, last)) break;
      heap[place] = child;
      place = 2 * place + (isRight ? 2 : 1);
    }
    heap[place] = last;
    return top;
  }
}

const isEarlier = (one: Happening, other: Happening): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);
