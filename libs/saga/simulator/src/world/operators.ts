import { isStarted, owesParent, type RunState } from '@downbeat/saga-domain';
import type { Clients } from './clients';
import type { Run } from './run';
import type { World } from './world';

/** Runs that failed are tried again so often when the weather is fine. */
const RETRIES_IN_CALM = 1;

/** People who start runs, cancel them, send them signals, put them away, and help those that cannot go on by themselves. */
export class Operators {
  private readonly wanted = new Set<Run>();
  private readonly retried = new Map<Run, number>();

  constructor(
    private readonly world: World,
    private readonly clients: Clients,
    /** That somebody wants; others come of them. */
    private readonly runs: readonly Run[],
  ) {}

  /** With those that stand for steps. */
  private get all(): readonly Run[] {
    return [...this.runs, ...this.world.children];
  }

  /** @param share Of the storm, that is over. */
  inStorm(share: number): void {
    const { weather, chance } = this.world;
    for (const run of this.all) {
      if (weather.strikes('signal-sent')) this.signal(run);
      if (this.runs.includes(run) && !this.wanted.has(run)) {
        if (chance.isLucky(0.2) || share > 0.5) this.want(run);
      } else if (weather.strikes('compensation-asked')) this.compensate(run);
      else if (weather.strikes('retry-asked')) this.retry(run);
      if (weather.strikes('archive-asked')) this.clients.archive(run);
    }
  }

  inCalm(): void {
    const { chance } = this.world;
    for (const run of this.all) {
      const isChild = !this.runs.includes(run);
      if (!isChild && !this.wanted.has(run)) this.want(run);
      const state = this.stateOf(run);
      if (isParked(state) && !isParkedForGood(state)) this.clients.retry(run);
      if (isAwaiting(state) && chance.isLucky(0.5)) this.signal(run);
      if (state.status !== 'failed' || chance.isLucky(isChild ? 0.9 : 0.5)) continue;
      const retries = (this.retried.get(run) ?? 0) + 1;
      this.retried.set(run, retries);
      if (retries <= RETRIES_IN_CALM) this.retry(run);
    }
  }

  /** Nothing will happen to any run unless somebody asks. */
  get areAllAtRest(): boolean {
    return (
      this.runs.every((run) => this.wanted.has(run)) &&
      this.all.every((run) => isAtRest(this.stateOf(run)))
    );
  }

  stateOf(run: Run): RunState {
    return this.world.stateOf(this.world.streamOf(run.correlationId));
  }

  private want(run: Run): void {
    this.wanted.add(run);
    this.clients.start(run);
    if (this.world.chance.isLucky(0.3)) this.clients.start(run);
  }

  private signal(run: Run): void {
    const { chance } = this.world;
    const awaited = [...run.definition.compiled.steps.values()].flatMap((step) =>
      step.type === 'wait_for_signal' ? [step.signal] : [],
    );
    const signal = chance.isLucky(0.02) ? 'unheard-of' : chance.pick(awaited);
    if (signal !== undefined) this.clients.signal(run, signal, chance.isLucky(0.85));
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

/** An undo of the run, or of what a race has left, waits for an operator. */
export const isParked = (state: RunState): boolean =>
  isStarted(state) &&
  (state.status === 'compensating' || (state.status === 'running' && !state.halt)) &&
  state.compensation?.undo?.status === 'parked';

/** Its undo cannot be formed out of what is known. */
const isParkedForGood = (state: RunState): boolean =>
  isStarted(state) && state.compensation?.undo?.attempt === 0;

const isAwaiting = (state: RunState): boolean =>
  isStarted(state) && [...state.steps.values()].some(({ status }) => status === 'awaiting');

export const isAtRest = (state: RunState): boolean => {
  if (!isStarted(state)) return false;
  if (ENDED.has(state.status)) return !owesParent(state);
  return state.status === 'compensating' && isParked(state) && isParkedForGood(state);
};
