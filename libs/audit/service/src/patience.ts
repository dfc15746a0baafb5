import { setImmediate as nextTurn } from 'node:timers/promises';

const TURN_MS = 20;

/** There is no time left. */
export class OutOfPatience extends Error {
  override readonly name = 'OutOfPatience';
}

/** Bounds how long a question may keep a process busy, and lets others have their turn meanwhile. */
export class Patience {
  private turnBegan = performance.now();
  private readonly until: number;

  constructor(ms: number) {
    this.until = this.turnBegan + ms;
  }

  /**
   * To be called between pieces of work that are small.
   *
   * @throws {OutOfPatience}
   */
  async turn(): Promise<void> {
    const now = performance.now();
    if (now > this.until) throw new OutOfPatience('there is no time left');
    if (now - this.turnBegan < TURN_MS) return;
    await nextTurn();
    this.turnBegan = performance.now();
  }
}
