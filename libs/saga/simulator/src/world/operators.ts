import type { JsonObject } from '@downbeat/eventsourcing';
import {
  isStarted,
  owesParent,
  versionOf,
  workflowStream,
  type CompiledDefinition,
  type Run as RunInLog,
  type RunState,
} from '@downbeat/saga-domain';
import { Chance } from '../chance';
import { canBeUndone, nameAt } from '../oracle/places';
import type { Clients } from './clients';
import type { Registry } from './registry';
import { goingOnInSpite, pauseOf } from './paused-definitions';
import type { Run } from './run';
import type { World } from './world';

/** Runs that failed are tried again so often when the weather is fine. */
const RETRIES_IN_CALM = 2;
const HEARD_OF_WITHIN_MS = 16_000;

/** People who start runs, cancel, pause and correct them, send them signals, put them away, and see to those that cannot go on by themselves. */
export class Operators {
  private readonly wanted = new Set<Run>();
  private readonly retried = new Map<Run, number>();
  private readonly aside: Chance;
  /** Resumes what is paused as soon as the weather is fine. */
  private readonly isHasty: boolean;
  private calmSince: number | undefined;

  constructor(
    private readonly world: World,
    private readonly clients: Clients,
    private readonly registry: Registry,
    /** That somebody wants; others come of them. */
    private readonly runs: readonly Run[],
  ) {
    this.aside = Chance.of(world.options.seed, 'operators');
    this.isHasty = this.aside.isLucky(0.5);
  }

  /** With those that stand for steps. */
  private get all(): readonly Run[] {
    return [...this.runs, ...this.world.children];
  }

  /** @param share Of the storm, that is over. */
  inStorm(share: number): void {
    const { weather, chance } = this.world;
    if (weather.strikes('version-registered')) this.registry.next();
    this.mayPauseDefinitions();
    for (const run of this.all) {
      if (weather.strikes('signal-sent')) this.signal(run);
      if (this.runs.includes(run) && !this.wanted.has(run)) {
        if (chance.isLucky(0.2) || share > 0.5) this.want(run);
      } else if (this.mayMeddleWith(run)) this.compensate(run);
      else if (weather.strikes('compensation-asked')) this.compensate(run);
      else if (weather.strikes('retry-asked')) this.retry(run);
      else this.mayHelp(run);
      if (weather.strikes('archive-asked')) this.clients.archive(run);
      this.mayPurge(run);
      this.mayMigrate(run);
    }
  }

  /** Somebody has a part of it undone just when the run that it is a step of may ask for all of it. */
  private mayMeddleWith(run: Run): boolean {
    const state = this.stateOf(run);
    if (!isStarted(state) || state.status !== 'completed' || !state.started.parent) return false;
    const parent = this.world.stateOf(workflowStream(state.started.parent.workflow_id));
    const isEnding = isStarted(parent) && !ENDED.has(parent.status);
    return isEnding && this.world.weather.strikes('child-meddled-with');
  }

  private mayHelp(run: Run): void {
    const { weather, chance } = this.world;
    const state = this.stateOf(run);
    const isGoingOn = isStarted(state) && !ENDED.has(state.status);
    // Who is late, or in error, is told so.
    const [isPaused, hasIncident] = isGoingOn
      ? [state.pause !== undefined, state.incident !== undefined]
      : [true, isStarted(state) && state.incidents.length > 0];
    const hasFailed = isStarted(state) && state.status === 'failed';
    if (hasFailed && weather.strikes('failure-seen-to')) return this.retry(run);
    if (!isGoingOn && !chance.isLucky(0.05)) return;
    if (weather.strikes('pause-asked')) this.clients.pause(run);
    else if (isPaused && weather.strikes('resume-asked')) this.clients.resume(run);
    else if (hasIncident && weather.strikes('incident-seen-to')) this.seeTo(run);
  }

  /** One that has ended well cannot, and is asked now and then all the same. */
  private mayMigrate(run: Run): void {
    const { world, aside } = this;
    const state = this.stateOf(run);
    const isOver = !isStarted(state) || DONE.has(state.status);
    if (isOver && !aside.isLucky(0.05)) return;
    if (isStarted(state) && this.isRepaired(run, state)) return;
    if (!world.weather.strikes('migration-asked')) return;
    const present = isStarted(state) ? versionOf(state) : undefined;
    const versions = world.known.versionsOf(run.definition.definition.name);
    const others = versions.filter((version) => version !== present || aside.isLucky(0.1));
    const to = aside.isLucky(0.03) ? '9.9.9' : aside.pick(others);
    if (to !== undefined) this.clients.migrate(run, to);
  }

  /** What has failed, or waits for a person, goes on by a version in which that step is right. */
  private isRepaired(run: Run, state: RunInLog): boolean {
    const { world } = this;
    const step = state.incident?.step ?? (state.status === 'failed' ? state.halt?.step : undefined);
    const known = world.known.of(state);
    if (step === undefined || !known || !world.weather.strikes('repair-asked')) return false;
    const purpose = state.incident ? 'undo' : 'step';
    const to = this.registry.repair(known, { name: nameAt(step), purpose });
    if (to !== undefined) this.clients.migrate(run, to);
    return to !== undefined;
  }

  private mayPurge(run: Run): void {
    const state = this.stateOf(run);
    const isArchived = isStarted(state) && state.archived !== undefined && !state.purgedAt;
    if (!isArchived && !this.aside.isLucky(0.01)) return;
    if (this.world.weather.strikes('purge-asked')) this.clients.purge(run);
  }

  private mayPauseDefinitions(): void {
    const { world, aside } = this;
    const { weather, known } = world;
    const name = weather.strikes('definition-paused') ? aside.pick(known.names) : undefined;
    if (name !== undefined)
      this.clients.pauseDefinition(name, aside.oneOf('leave', 'pause', 'pause'));
    const paused = weather.strikes('definition-resumed') ? aside.pick(this.pausedNames) : undefined;
    if (paused !== undefined) this.clients.resumeDefinition(paused);
  }

  private get pausedNames(): readonly string[] {
    return this.world.known.names.filter((name) => pauseOf(this.world, name) !== undefined);
  }

  /** Some stay paused for as long as it takes until every replica has heard of it. */
  private resumeDefinitions(): void {
    const { world } = this;
    const since = world.time.now - world.age + (this.calmSince ?? 0);
    for (const name of this.pausedNames) {
      const isHeardOf = world.time.now - since > HEARD_OF_WITHIN_MS;
      if (isHeardOf)
        for (const run of goingOnInSpite(world, this.all, name, since)) world.accuse(run);
      if (isHeardOf || this.isHasty) this.clients.resumeDefinition(name);
    }
  }

  inCalm(): void {
    this.calmSince ??= this.world.age;
    this.resumeDefinitions();
    const { chance } = this.world;
    for (const run of this.all) {
      const isChild = !this.runs.includes(run);
      if (!isChild && !this.wanted.has(run)) this.want(run);
      const state = this.stateOf(run);
      if (!isStarted(state)) continue;
      if (state.pause?.isOfDefinition) continue;
      if (state.pause) this.clients.resume(run);
      else if (state.incident) this.seeTo(run);
      if (isAwaiting(state) && chance.isLucky(0.5)) this.signal(run);
      if (state.status !== 'failed' || chance.isLucky(isChild ? 0.9 : 0.3)) continue;
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

  /** What it goes by. */
  private compiledOf(run: Run): CompiledDefinition {
    const state = this.stateOf(run);
    const known = isStarted(state) ? this.world.known.of(state) : undefined;
    return (known ?? run.definition).compiled;
  }

  private want(run: Run): void {
    this.wanted.add(run);
    this.clients.start(run);
    if (this.world.chance.isLucky(0.3)) this.clients.start(run);
  }

  private signal(run: Run): void {
    const { chance } = this.world;
    const awaited = [...this.compiledOf(run).steps.values()].flatMap((step) =>
      step.type === 'wait_for_signal' ? [step.signal] : [],
    );
    const signal = chance.isLucky(0.02) ? 'unheard-of' : chance.pick(awaited);
    if (signal !== undefined) this.clients.signal(run, signal, chance.isLucky(0.85));
  }

  private compensate(run: Run): void {
    const { chance } = this.world;
    const compiled = this.compiledOf(run);
    const strategy = chance.oneOf(undefined, undefined, 'all', 'partial', 'partial', 'custom');
    const isMistaken = chance.isLucky(0.1);
    const steps = [...compiled.steps]
      .filter(([, step]) => isMistaken || canBeUndone(step))
      .map(([name]) => name)
      .filter(() => chance.isLucky(0.5));
    const savepoint = isMistaken ? 'nowhere' : chance.pick([...compiled.savepoints.keys()]);
    const isBack = strategy === 'partial' && savepoint !== undefined && chance.isLucky(0.8);
    this.clients.compensate(run, {
      ...(strategy === undefined ? {} : { compensation_strategy: strategy as never }),
      ...(strategy === 'custom' && steps.length > 0 ? { custom_steps: steps } : {}),
      ...(isBack ? { to_savepoint: savepoint } : {}),
    });
  }

  private retry(run: Run): void {
    const { chance } = this.world;
    const places = this.compiledOf(run).steps.size;
    const strategy = chance.oneOf('failed_steps', 'failed_steps', 'current_step', 'from_step');
    this.clients.retry(run, {
      retry_strategy: strategy as never,
      ...(strategy === 'from_step' ? { from_step: 1 + chance.below(places) } : {}),
      ...(chance.isLucky(0.3) ? { max_retries: chance.below(3) } : {}),
      ...(chance.isLucky(0.6) ? { context_patch: patch(chance) } : {}),
    });
  }

  /** Mostly by another try; some give an undo up, or have done it themselves. */
  private seeTo(run: Run): void {
    const { chance } = this.world;
    const state = this.stateOf(run);
    if (!isStarted(state)) return;
    const { incident, incidents } = state;
    const earlier = chance.isLucky(0.1) ? chance.pick(incidents) : undefined;
    const named = earlier ?? incident?.id;
    if (named === undefined) return;
    const incident_id = chance.isLucky(0.03) ? `${named}9` : named;
    const action = chance.oneOf('retry', 'retry', 'retry', 'skip', 'done_by_hand');
    // Of a race it can be left behind with the run.
    if (state.status === 'running' && chance.isLucky(0.3)) return this.compensate(run);
    const isAsked = chance.isLucky(0.2) && incident?.kind === 'undo_failed';
    if (isAsked) this.retry(run);
    else this.clients.resolve(run, { incident_id, action, reason: 'as it must be' } as never);
  }
}

/** A person corrects what a run knows; one that is wrong about it is told so. */
const patch = (chance: Chance) =>
  chance.oneOf<JsonObject>(
    { count: 5 + chance.below(5) },
    { count: 5 + chance.below(5) },
    { count: 5 + chance.below(5), flag: chance.isLucky(0.5) },
    { flag: chance.isLucky(0.5) },
    { errors: {} },
  ) as never;

const DONE: ReadonlySet<string> = new Set(['completed', 'compensated']);
const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'compensated']);

const isAwaiting = (state: RunState): boolean =>
  isStarted(state) && [...state.steps.values()].some(({ status }) => status === 'awaiting');

export const isAtRest = (state: RunState): boolean =>
  isStarted(state) && ENDED.has(state.status) && !owesParent(state);
