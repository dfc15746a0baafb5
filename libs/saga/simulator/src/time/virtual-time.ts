import { EventQueue, type Happening } from './event-queue';
import type { SimulatedProcess } from './simulated-process';

const realImmediate = setImmediate;
/** How many happenings are handed to the runtime at once; after each it empties its microtasks. */
const BURST = 64;

interface Planned extends Happening {
  readonly process: SimulatedProcess | undefined;
  work: (() => void) | undefined;
}

/** Something planned that can be called off. */
export interface Plan {
  cancel(): void;
}

/**
 * Time that passes only because something happens in it, one thing after another, in an order that
 * depends on nothing but what was planned. What a process does, down to its last microtask, happens
 * between two happenings: so it can be said of everything which process did it.
 *
 * @see FoundationDB's deterministic simulation: Zhou et al., SIGMOD 2021, section 4.
 */
export class VirtualTime {
  /** Whose code is running; nobody's: the world's. */
  current: SimulatedProcess | undefined;
  happened = 0;
  private readonly queue = new EventQueue<Planned>();
  private planned = 0;

  /** @param now Milliseconds since 1970-01-01T00:00Z. */
  constructor(public now: number) {}

  /** What belongs to a process does not happen when that is dead, and later when it is frozen. */
  after(ms: number, process: SimulatedProcess | undefined, work: () => void): Plan {
    const plan: Planned = {
      at: this.now + Math.max(ms, 0),
      order: this.planned++,
      process,
      work,
    };
    this.queue.push(plan);
    return { cancel: () => (plan.work = undefined) };
  }

  /** Lets things happen until `isOver`, asked after each, or until nothing is planned any more. */
  run(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let isDone = false;
      const turn = (): void => {
        if (isDone) return;
        try {
          if (!isOver() && this.next()) return;
          isDone = true;
          this.current = undefined;
          resolve();
        } catch (defect) {
          isDone = true;
          reject(defect as Error);
        }
      };
      const burst = (): void => {
        if (isDone) return;
        for (let count = 0; count < BURST; count++) realImmediate(turn);
        realImmediate(burst);
      };
      burst();
    });
  }

  private next(): boolean {
    for (let plan = this.queue.pop(); plan; plan = this.queue.pop()) {
      const { work, process } = plan;
      if (!work || process?.isAlive === false) continue;
      if (process && process.frozenUntil > plan.at && process.frozenUntil > this.now) {
        plan.at = process.frozenUntil;
        this.queue.push(plan);
        continue;
      }
      this.now = Math.max(this.now, plan.at);
      this.current = process;
      this.happened++;
      work();
      return true;
    }
    return false;
  }
}
