import type { EventStore, Leases } from '@downbeat/event-store';
import { Rejection } from '@downbeat/eventsourcing';
import {
  Admission,
  ControlDefinition,
  type CrashPoints,
  DatabaseClock,
  DefinitionLibrary,
  OperateWorkflow,
  PausedDefinitions,
  Replica,
  RunEngine,
  RunsOfPaused,
  StartRuns,
  StartWorkflowHandler,
  type CrashPoint,
  type Reach,
  type TargetRules,
} from '@downbeat/saga-service/testing';
import { SimulatedProcess } from '../time/simulated-process';
import type { Mutation } from './mutation';
import type { SimulatedBus } from './simulated-bus';
import { SimulatedLeases } from './simulated-leases';
import { SimulatedStore } from './simulated-store';
import { SimulatedTargets } from './simulated-targets';
import { simulatedPool } from './simulated-pool';
import { SimulatedReadModels } from './simulated-read-models';
import type { World } from './world';

/** A good clock's; the monotonic one of a machine is set by none. */
const DRIFT_MAX = 200e-6;
const WALL_ERROR_MAX_MS = 3_600_000;

/** A process died here; what stands behind the line never happens. */
export class Died extends Error {}

/** What one process takes on. */
export interface Bounds {
  readonly openMax: number;
  readonly callsPerTargetMax: number;
}

/** One process of the saga app: the real engine, its handlers, its clock; without Nest, NATS and Postgres. */
export class Node implements CrashPoints {
  readonly process: SimulatedProcess;
  readonly replica: Replica;
  readonly start: StartWorkflowHandler;
  readonly operate: OperateWorkflow;
  /** Takes commands. */
  isServing = false;
  readonly control: ControlDefinition;
  private readonly pauses: Pauses;
  private readonly runs: StartRuns;
  private readonly engine: RunEngine;
  private readonly admission: Admission;
  private readonly clock: DatabaseClock;

  constructor(
    private readonly world: World,
    name: string,
    bus: SimulatedBus,
    bounds: Bounds,
    private readonly mutation: Mutation,
    elsewhere: () => string | undefined,
  ) {
    const { time, chance } = world;
    this.process = new SimulatedProcess(name, time.now, 1 + chance.between(-DRIFT_MAX, DRIFT_MAX));
    if (world.weather.strikes('clock-set')) this.setClock();
    const site = { world, process: this.process };
    const plainStore = new SimulatedStore(world, this.process);
    const store = mutation.store?.(plainStore, site) ?? plainStore;
    const plainLeases = new SimulatedLeases(world, this.process);
    const leases: Leases = mutation.leases?.(plainLeases, site) ?? plainLeases;
    const plainTargets = new SimulatedTargets(world, this.process);
    const library = new MutableLibrary(store, mutation);
    const pool = simulatedPool(world, this.process);
    const reached = bus.reachedFrom(this.process);
    const readModels = new SimulatedReadModels(world, this.process).asReadModels;
    const paused = new MutablePaused(store, readModels, reached, mutation);
    // In most seeds nobody pauses one, and nobody need look.
    const arePaused = world.weather.present.includes('definition-paused');
    this.clock = new DatabaseClock(pool);
    this.control = new ControlDefinition(plainStore, library, reached);
    this.admission = new Admission({
      callsPerTargetMax: bounds.callsPerTargetMax,
      chance: () => chance.next(),
      now: () => performance.now(),
    });
    this.engine = new RunEngine({
      openMax: bounds.openMax,
      admission: this.admission,
      onEnded: () => undefined,
      ...(arePaused ? { isPaused: (name) => paused.has(name) } : {}),
      store,
      leases,
      library,
      targets: mutation.targets?.(plainTargets, site) ?? plainTargets,
      clock: mutation.clock?.(this.clock, site) ?? this.clock,
      crashPoints: this,
      chance: () => chance.next(),
      pause:
        mutation.pause ?? ((ms) => new Promise((resolve) => time.after(ms, this.process, resolve))),
      onFault: (run, fault) => this.faultMet(run.id, fault),
    });
    this.replica = new Replica(leases, this.engine, this);
    const room = { take: elsewhere };
    this.runs = new StartRuns(
      this.engine,
      library,
      NO_DURATIONS,
      room,
      reached,
      arePaused ? paused : NONE_PAUSED,
    );
    this.start = new StartWorkflowHandler(this.runs);
    this.operate = new OperateWorkflow(
      reachedBy(this.engine, (reach) => mutation.reach?.(reach, site) ?? reach),
      leases,
      reached,
      { take: elsewhere },
    );
    const host = { config: { LOG_NAME: 'simulated' } } as Host;
    const keeper = new RunsOfPaused(readModels, this.operate, reached, pool, host);
    this.pauses = arePaused ? [paused, keeper] : [];
  }

  get isAlive(): boolean {
    return this.process.isAlive;
  }

  /** It has no run and no call in hand. */
  get isIdle(): boolean {
    const { open_runs, calls_under_way, calls_waiting } = this.engine.status();
    return open_runs + calls_under_way + calls_waiting === 0;
  }

  /** As the app does; one that cannot reach its database when it starts does not live long. */
  async boot(): Promise<void> {
    try {
      await this.clock.start();
      this.operate.serve(this.replica.process);
      this.runs.serve(this.replica.process);
      const [paused, keeper] = this.pauses;
      paused?.start();
      await this.replica.start();
      keeper?.start();
      this.isServing = true;
    } catch (fault) {
      this.kill(`it could not start: ${String(fault)}`);
    }
  }

  async stop(): Promise<void> {
    this.isServing = false;
    this.world.say(this.process.name, 'is told to stop');
    // Who cannot stop in order, because of the database, is killed behind it.
    for (const one of this.pauses.toReversed()) await one.stop().catch(() => undefined);
    await this.replica.stop().catch(() => undefined);
    this.kill('it has stopped');
  }

  kill(why: string): void {
    if (!this.isAlive) return;
    this.process.isAlive = false;
    this.isServing = false;
    this.world.say(this.process.name, `is dead: ${why}`);
  }

  /** What operators say of targets has come here. */
  follow(rules: readonly TargetRules[], replicas: number): void {
    this.world.followsTargets(this.process, rules);
    this.admission.follow(this.mutation.rules?.(rules) ?? rules, replicas);
  }

  setClock(): void {
    this.process.wallErrorMs = this.world.chance.between(-WALL_ERROR_MAX_MS, WALL_ERROR_MAX_MS);
  }

  reached(point: CrashPoint): void {
    if (!this.isAlive) throw new Died();
    this.world.options.coverage.met('crash point', point);
    if (!this.world.weather.strikes('killed-at-crash-point')) return;
    this.world.options.coverage.met('killed at', point);
    this.kill(`killed at ${point}`);
    throw new Died();
  }

  private faultMet(run: string, fault: unknown): void {
    if (!this.isAlive) return;
    if (fault instanceof Error && fault.name === 'DefinitionPaused')
      this.world.options.coverage.met('case', 'a step waited until its definition was resumed');
    this.world.say(this.process.name, `has trouble with ${run}: ${String(fault)}`);
    const isDefect = fault instanceof TypeError || fault instanceof RangeError;
    if (isDefect) this.world.accuse(`${this.process.name} met a defect: ${String(fault)}`);
  }
}

const NO_DURATIONS = { minutesOf: () => 1 } as unknown as ConstructorParameters<
  typeof StartRuns
>[2];

const NONE_PAUSED = {
  whyNoRun: () => Promise.resolve(undefined),
} as unknown as ConstructorParameters<typeof StartRuns>[5];

/** An engine whose runs reach one another in another way. */
const reachedBy = (engine: RunEngine, change: (reach: Reach) => Reach): RunEngine =>
  Object.assign(Object.create(engine) as RunEngine, {
    reachBy: (reach: Reach) => engine.reachBy(change(reach)),
  });

type Pauses = readonly { start(): void; stop(): Promise<void> }[];
type Host = ConstructorParameters<typeof RunsOfPaused>[4];

class MutablePaused extends PausedDefinitions {
  constructor(
    store: EventStore,
    readModels: ConstructorParameters<typeof PausedDefinitions>[1],
    bus: ConstructorParameters<typeof PausedDefinitions>[2],
    private readonly mutation: Mutation,
  ) {
    super(store, readModels, bus);
  }

  override async has(name: string): Promise<boolean> {
    const isPaused = await super.has(name);
    return this.mutation.isDefinitionPaused?.(isPaused) ?? isPaused;
  }
}

class MutableLibrary extends DefinitionLibrary {
  constructor(
    store: EventStore,
    private readonly mutation: Mutation,
  ) {
    super(store);
  }

  override async find(name: string, version?: string) {
    const known = await super.find(name, version);
    if (known instanceof Rejection) return known;
    const { decider, library } = this.mutation;
    if (decider) return { ...known, decider: decider(known.decider, known.definition) };
    return library ? library(known, (other) => super.find(name, other)) : known;
  }
}
