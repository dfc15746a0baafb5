import type { Plan, VirtualTime } from './virtual-time';

/** What the language's own timers give back. */
class SimulatedTimeout {
  constructor(readonly plan: Plan) {}

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

/** What stands between a process and its time. */
export interface TimeWrapper {
  /** False: the timer is lost. */
  readonly isTimerKept: (ms: number) => boolean;
  readonly monotonic: (ms: number) => number;
}

const NOTHING: TimeWrapper = { isTimerKept: () => true, monotonic: (ms) => ms };

/**
 * Puts the virtual time in place of the runtime's, for whoever runs: so what is simulated is the
 * code that ships, not a version of it that was made to be simulated. Each process has its own
 * clocks, and its timers die with it.
 *
 * @returns Puts the runtime's time back.
 */
export function installTime(time: VirtualTime, wrapper: TimeWrapper = NOTHING): () => void {
  const real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    wall: Date.now,
    monotonic: performance.now,
  };
  const began = time.now;
  const plan = (work: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
    const { current } = time;
    // Nobody's timers have only one granularity; a real one never comes early.
    const leastMs = Math.max(Number(ms) || 0, 1) / (current?.rate ?? 1);
    if (current && !wrapper.isTimerKept(ms))
      return new SimulatedTimeout({ cancel: () => undefined });
    return new SimulatedTimeout(time.after(leastMs, current, () => work(...args)));
  };
  const cancel = (timeout: unknown): void => {
    if (timeout instanceof SimulatedTimeout) timeout.plan.cancel();
  };
  globalThis.setTimeout = plan as unknown as typeof setTimeout;
  globalThis.clearTimeout = cancel as typeof clearTimeout;
  Date.now = () => time.current?.wallAt(time.now) ?? Math.floor(time.now);
  performance.now = () =>
    time.current ? wrapper.monotonic(time.current.monotonicAt(time.now)) : time.now - began;
  return () => {
    globalThis.setTimeout = real.setTimeout;
    globalThis.clearTimeout = real.clearTimeout;
    Date.now = real.wall;
    performance.now = real.monotonic;
  };
}
