import { isStarted, type RunState } from '@downbeat/saga-domain';
import type { Clients } from './clients';
import type { Run } from './run';
import type { World } from './world';

/** Runs that failed are tried again so often when the weather is fine. */
const RETRIES_IN_CALM = 1;

/** People who start runs, cancel them, and help those that cannot go on by themselves. */
export class Operators {
  private readonly wanted = new Set<Run>();
  private readonly retried = new Map<Run, number>();

  constructor(
    private readonly world: World,
    private readonly clients: Clients,
    private readonly runs: readonly Run[],
  ) {}

  /** @param share Of the storm, that is over. */
  inStorm(share: number): void {
    const { weather, chance } = this.world;
    for (const run of this.runs) {
      if (!this.wanted.has(run)) {
        if (chance.isLucky(0.2) || share > 0.5) this.want(run);
      } else if (weather.strikes('compensation-asked')) this.compensate(run);
      else if (weather.strikes('retry-asked')) this.retry(run);
    }
  }

  inCalm(): void {
    for (const run of this.runs) {
      if (!this.wanted.has(run)) this.want(run);
      const state = this.stateOf(run);
      if (isParked(state) && !isParkedForGood(state)) this.clients.retry(run);
      if (state.status !== 'failed' || this.world.chance.isLucky(0.5)) continue;
      const retries = (this.retried.get(run) ?? 0) + 1;
      this.retried.set(run, retries);
      if (retries <= RETRIES_IN_CALM) this.retry(run);
    }
  }

  /** Nothing will happen to any run unless somebody asks. */
  get areAllAtRest(): boolean {
    return this.runs.every((run) => this.wanted.has(run) && isAtRest(this.stateOf(run)));
  }

  stateOf(run: Run): RunState {
    return this.world.stateOf(this.world.streamOf(run.correlationId));
  }

  private want(run: Run): void {
    this.wanted.add(run);
    this.clients.start(run);
    if (this.world.chance.isLucky(0.3)) this.clients.start(run);
  }

  private compensate(run: Run): void {
    const { chance } = this.world;
    const strategy = chance.oneOf(undefined, undefined, 'all', 'partial', 'custom');
    const steps = [...run.definition.compiled.steps.keys()].filter(() => chance.isLucky(0.5));
    this.clients.compensate(run, {
      ...(strategy === undefined ? {} : { compensation_strategy: strategy as never }),
      ...(strategy === 'custom' ? { custom_steps: steps } : {}),
    });
  }

  private retry(run: Run): void {
    const { chance } = this.world;
    const places = run.definition.compiled.steps.size;
    const strategy = chance.oneOf('failed_steps', 'current_step', 'from_step');
    this.clients.retry(run, {
      retry_strategy: strategy as never,
      ...(strategy === 'from_step' ? { from_step: 1 + chance.below(places) } : {}),
      ...(chance.isLucky(0.3) ? { max_retries: chance.below(3) } : {}),
    });
  }
}

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'compensated']);

export const isParked = (state: RunState): boolean =>
  isStarted(state) &&
  state.status === 'compensating' &&
  state.compensation?.undo?.status === 'parked';

/** Its undo cannot be formed out of what is known. */
const isParkedForGood = (state: RunState): boolean =>
  isStarted(state) && state.compensation?.undo?.attempt === 0;

export const isAtRest = (state: RunState): boolean =>
  ENDED.has(state.status) || (isParked(state) && isParkedForGood(state));
