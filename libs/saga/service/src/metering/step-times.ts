import { LRUCache } from 'lru-cache';

/** Runs with steps under way whose beginning is remembered; those begun longest ago are forgotten. */
const RUNS_MAX = 20_000;
const STEPS_MAX = 1_000;

/** When the steps under way began, of the runs that this process began them for. */
export class StepTimes {
  private readonly runs = new LRUCache<string, Map<string, number>>({ max: RUNS_MAX });

  began(run: string, step: string, atMs: number): void {
    const steps = this.runs.get(run) ?? new Map<string, number>();
    if (steps.size >= STEPS_MAX) return;
    steps.set(step, atMs);
    this.runs.set(run, steps);
  }

  /** @returns When it began; undefined: another process began it, or it was too long ago. */
  ended(run: string, step: string): number | undefined {
    const steps = this.runs.get(run);
    const atMs = steps?.get(step);
    steps?.delete(step);
    if (steps?.size === 0) this.runs.delete(run);
    return atMs;
  }

  forget(run: string): void {
    this.runs.delete(run);
  }
}
