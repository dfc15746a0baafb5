import type { Release } from './breaker-policy';

/** What a call goes out with, and comes back with. */
export interface Permit {
  readonly generation: number;
}

interface TrialPermit extends Permit {
  readonly takenMs: number;
}

/** How a trial goes on after a call came back well. */
export type TrialStep = 'going-on' | 'passed';

/** The calls that may go while a breaker is half-open, and those of them under way. */
export class Trial {
  /** In the order in which they were taken. */
  private readonly out = new Set<Permit>();
  private cohort = 1;
  /** Of the cohort: may still go. */
  private left = 1;
  private good = 0;
  private notBeforeMs: number;

  /** @param openMs How long the breaker is to be open if this fails; known before, so that it can be told. */
  constructor(
    private readonly release: Release,
    private readonly generation: number,
    readonly openMs: number,
    nowMs: number,
  ) {
    this.notBeforeMs = nowMs;
  }

  get underWay(): number {
    return this.out.size;
  }

  get successes(): number {
    return this.good;
  }

  /** When the oldest of those under way will have taken too long; undefined when none is. */
  get dueMs(): number | undefined {
    for (const oldest of this.out as Set<TrialPermit>)
      return oldest.takenMs + this.release.answerMaxMs;
    return undefined;
  }

  hasRoom(nowMs: number): boolean {
    if (nowMs < this.notBeforeMs) return false;
    return this.release.kind === 'permits' ? this.out.size < this.release.permits : this.left > 0;
  }

  /** Milliseconds until it is worth asking again: a permit that is out may come back sooner. */
  waitMs(nowMs: number): number {
    if (this.hasRoom(nowMs)) return 0;
    if (nowMs < this.notBeforeMs) return this.notBeforeMs - nowMs;
    return Math.max(0, (this.dueMs ?? nowMs) - nowMs);
  }

  take(nowMs: number): Permit {
    const permit: TrialPermit = { generation: this.generation, takenMs: nowMs };
    this.out.add(permit);
    this.left--;
    return permit;
  }

  /** Not used: another call may try. */
  giveBack(permit: Permit): void {
    if (this.out.delete(permit)) this.left++;
  }

  /** @returns Whether the permit was out: one that comes back twice counts once. */
  comeBack(permit: Permit): boolean {
    return this.out.delete(permit);
  }

  /** After {@link comeBack}, of a call that went well. */
  wentWell(nowMs: number, chance: () => number): TrialStep {
    this.good++;
    const { release } = this;
    if (release.kind === 'permits') return this.good >= release.successes ? 'passed' : 'going-on';
    if (this.left > 0 || this.out.size > 0) return 'going-on';
    if (this.cohort >= release.cohortMax) return 'passed';
    this.cohort = Math.min(this.cohort * 2, release.cohortMax);
    this.left = this.cohort;
    this.notBeforeMs = nowMs + release.pauseMs * chance();
    return 'going-on';
  }
}
