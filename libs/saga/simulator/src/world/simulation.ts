import { Chance } from '../chance';
import { Coverage } from '../coverage';
import { catalogueOf, type Generated } from '../definitions/generated-definition';
import { COMMON_SERVICE } from '../definitions/call-makers';
import { verdictOn } from '../oracle/verdict';
import { installTime } from '../time/global-time';
import type { Fault } from '../weather/faults';
import { Clients } from './clients';
import type { Mutation } from './mutation';
import { Died, Node, type Bounds } from './node';
import { Operators } from './operators';
import { Registry } from './registry';
import type { Run } from './run';
import { SimulatedBus } from './simulated-bus';
import { Storm } from './storm';
import { World } from './world';

const TURN_MS = 250;
/** When the weather is fine, everything has come to its end within this time. */
const CALM_MAX_MS = 400_000;
/** How long it is watched afterwards: nothing may happen any more. */
const STILL_MS = 1_500;
/** A replica may be pausing after a fault, and look once more at a run that is over. */
const IDLE_WITHIN_MS = 20_000;

export interface SimulationOptions {
  readonly seed: number;
  readonly mutation?: Mutation;
  /** Kinds of faults that do not happen. */
  readonly without?: ReadonlySet<Fault>;
  readonly coverage?: Coverage;
  readonly onLine?: (line: string) => void;
}

export interface Result {
  readonly seed: number;
  /** Nothing in a sound engine. */
  readonly violations: readonly string[];
  /** The kinds of faults this seed had. */
  readonly faults: readonly Fault[];
  readonly events: number;
  readonly happenings: number;
  readonly lastedMs: number;
}

/** Lives through one seed, and judges. Not to be called again before it has returned. */
export async function simulate(options: SimulationOptions): Promise<Result> {
  return new Simulation(options).run();
}

class Simulation {
  private readonly world: World;
  private readonly bus: SimulatedBus;
  private readonly nodes: Node[] = [];
  private readonly operators: Operators;
  private readonly clients: Clients;
  private readonly storm: Storm;
  private readonly runs: readonly Run[];
  private readonly registry: Registry;
  private readonly bounds: Bounds;
  private readonly stormMs: number;
  private readonly replicas: number;
  private coming = 0;
  private calmAt = Number.POSITIVE_INFINITY;
  private stillAt: number | undefined;
  private isOver = false;

  constructor(private readonly options: SimulationOptions) {
    const { seed, without, onLine, coverage = new Coverage() } = options;
    this.world = new World({ seed, coverage, onLine, ...(without ? { without } : {}) });
    this.bus = new SimulatedBus(this.world);
    const chance = Chance.of(seed, 'plan');
    const { books, parts } = catalogueOf(seed, 1 + chance.below(2));
    this.registry = new Registry(this.world, [...parts, ...books]);
    this.runs = Array.from({ length: 1 + chance.below(4) }, (_, index) => ({
      correlationId: `c${index}`,
      definition: books[index % books.length] as Generated,
      startData: {
        flag: chance.isLucky(0.5),
        count: chance.below(5),
        list: Array.from({ length: chance.below(5) }, (_, item) => item),
      },
    }));
    this.bounds = {
      openMax: chance.oneOf(2, 100, 100, 100),
      callsPerTargetMax: chance.oneOf(1, 100, 100),
    };
    this.stormMs = chance.between(4_000, 20_000);
    this.replicas = 2 + chance.below(2);
    this.clients = new Clients(this.world, () => this.nodes.filter((node) => node.isServing));
    this.operators = new Operators(this.world, this.clients, this.registry, this.runs);
    this.storm = new Storm(
      this.world,
      () => this.nodes.filter((node) => node.isAlive),
      [...parts, ...books].flatMap(({ compiled }) => [COMMON_SERVICE, ...compiled.steps.keys()]),
    );
  }

  async run(): Promise<Result> {
    const { world, options } = this;
    const { isTimerKept = () => true, monotonic = (ms: number) => ms } = options.mutation ?? {};
    const uninstall = installTime(world.time, {
      isTimerKept: (ms) =>
        !world.time.current || isTimerKept(ms, { world, process: world.time.current }),
      monotonic,
    });
    const rejected = (reason: unknown): void => {
      if (!(reason instanceof Died)) world.accuse(`nobody handles ${String(reason)}`);
    };
    process.on('unhandledRejection', rejected);
    try {
      await this.registry.first();
      this.turn();
      await world.time.run(() => this.isOver);
    } finally {
      uninstall();
      process.off('unhandledRejection', rejected);
    }
    return {
      seed: options.seed,
      violations: verdictOn(
        world,
        [...this.runs, ...world.children],
        this.nodes,
        this.calmAt,
        options.mutation ?? {},
      ),
      faults: world.weather.present,
      events: world.log.events.length,
      happenings: world.time.happened,
      lastedMs: world.age,
    };
  }

  private turn(): void {
    const { world } = this;
    if (world.weather.isStormy && world.age > this.stormMs) {
      this.storm.end();
      this.calmAt = world.age;
    }
    if (world.weather.isStormy) {
      this.storm.turn();
      this.operators.inStorm(world.age / this.stormMs);
    } else this.look();
    this.replaceTheDead();
    if (!this.isOver) world.time.after(TURN_MS, undefined, () => this.turn());
  }

  /** In fine weather: helps, and looks whether everything is over. */
  private look(): void {
    const { world } = this;
    if (Math.floor(world.age / TURN_MS) % 8 === 0 && this.stillAt === undefined)
      this.operators.inCalm();
    const isStill =
      this.operators.areAllAtRest &&
      !this.clients.isWaiting &&
      world.log.holders.size === 0 &&
      this.nodes.every(({ process }) => process.frozenUntil <= world.time.now);
    if (!isStill) this.stillAt = undefined;
    else this.stillAt ??= world.age;
    const stillMs = this.stillAt === undefined ? 0 : world.age - this.stillAt;
    const areIdle = this.nodes.every((node) => !node.isAlive || node.isIdle);
    if (stillMs >= (areIdle ? STILL_MS : IDLE_WITHIN_MS)) this.isOver = true;
    if (world.age - this.calmAt > CALM_MAX_MS) this.isOver = true;
  }

  private replaceTheDead(): void {
    const { world } = this;
    const missing = this.replicas - this.nodes.filter((node) => node.isAlive).length - this.coming;
    for (let count = 0; count < missing; count++) {
      this.coming++;
      const isFirst = this.nodes.length + this.coming <= this.replicas;
      const ms = isFirst ? 0 : world.chance.between(100, 5_000);
      world.time.after(ms, undefined, () => this.join());
    }
  }

  private join(): void {
    this.coming--;
    const name = `r${this.nodes.length + 1}`;
    const { world, bus, bounds, options } = this;
    const elsewhere = (): string | undefined => {
      const others = this.nodes.filter((other) => other !== node && other.isServing);
      return world.chance.pick(others)?.replica.process;
    };
    const node: Node = new Node(world, name, bus, bounds, options.mutation ?? {}, elsewhere);
    this.nodes.push(node);
    this.storm.tell(node);
    this.world.say(name, 'comes up');
    this.world.time.after(0, node.process, () => void node.boot());
  }
}
