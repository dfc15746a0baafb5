import { setTimeout as pause } from 'node:timers/promises';
import { cpuUs, sumOf, treeCpuUs } from '../measure/proc';
import { figure, type Figure } from '../report/figure';
import type { BenchSuite } from '../suite/bench-suite';
import type { Crowd, InstanceName } from './crowd';
import type { Watcher } from './watcher';

/** Turns of each way. */
const TURNS = 2;
/** Instances of one command, and such commands at once. */
const MANY = 250;
const MANY_AT_ONCE = 8;
/** What is offered may not be acknowledged and noted yet. */
const SETTLED_MS = 500;

const WAYS = ['one by one', 'many by one command'] as const;
type Way = (typeof WAYS)[number];

const USERS = ['registry', 'health', 'Postgres', 'nats-server'] as const;
type CpuMs = Readonly<Record<(typeof USERS)[number], number>>;

interface Turn {
  /** Registrations answered in a second. */
  readonly rate: number;
  /** Of one registration, until all of the turn were checked and offered. */
  readonly cpuMs: CpuMs;
}

/** Instances registered both ways in turns, so that a busy moment meets both. */
export class Registrations {
  constructor(
    private readonly suite: BenchSuite,
    private readonly crowd: Crowd,
    private readonly watcher: Watcher,
    private readonly instancesEach: number,
  ) {}

  /** @param services Each way registers the instances of half of them. */
  async figures(services: readonly string[], atOnce: number): Promise<readonly Figure[]> {
    const turns = new Map<Way, Turn[]>(WAYS.map((way) => [way, []]));
    const share = services.length / (TURNS * WAYS.length);
    for (let n = 0; n < TURNS * WAYS.length; n++) {
      const way = WAYS[n % WAYS.length] ?? 'one by one';
      const taken = await this.turn(way, services.slice(n * share, (n + 1) * share), atOnce, n);
      turns.get(way)?.push(taken);
    }
    const how: Readonly<Record<Way, string>> = {
      'one by one': `${atOnce} at once`,
      'many by one command': `${MANY} each, ${MANY_AT_ONCE} at once`,
    };
    return [...turns].flatMap(([way, taken]) => [
      figure(
        'registry',
        `instances registered ${way}, ${how[way]}`,
        '1/s',
        taken.map(({ rate }) => rate),
        { atLeast: 3_300 },
      ),
      ...USERS.map((user) => {
        const spent = taken.map(({ cpuMs }) => cpuMs[user]);
        return figure('registry', `${way}: CPU per registration, ${user}`, 'ms', spent);
      }),
    ]);
  }

  private async turn(
    way: Way,
    services: readonly string[],
    atOnce: number,
    turn: number,
  ): Promise<Turn> {
    const each = Array.from({ length: this.instancesEach }, (_, n) => n);
    const names = services.flatMap((service_id) =>
      each.map((n) => ({ service_id, instance_id: `${service_id}-${n}` })),
    );
    const before = await this.cpuMs();
    const rate =
      way === 'one by one'
        ? await this.oneByOne(names, atOnce)
        : await this.manyByOne(names, `node-${turn}`);
    await this.watcher.when(() =>
      services.every((name) => this.watcher.offered(name) === this.instancesEach),
    );
    await pause(SETTLED_MS);
    const after = await this.cpuMs();
    const spent = USERS.map((user) => [user, (after[user] - before[user]) / names.length]);
    return { rate, cpuMs: Object.fromEntries(spent) as CpuMs };
  }

  private oneByOne(names: readonly InstanceName[], atOnce: number): Promise<number> {
    const each = names.map(
      ({ service_id, instance_id }) =>
        () =>
          this.crowd.registerInstance(service_id, instance_id),
    );
    return this.crowd.rateOf(each, atOnce);
  }

  private async manyByOne(names: readonly InstanceName[], node: string): Promise<number> {
    const lists = Array.from({ length: Math.ceil(names.length / MANY) }, (_, n) =>
      names.slice(n * MANY, (n + 1) * MANY),
    );
    const each = lists.map((list, n) => () => this.crowd.registerInstances(`${node}-${n}`, list));
    return ((await this.crowd.rateOf(each, MANY_AT_ONCE)) * names.length) / lists.length;
  }

  private async cpuMs(): Promise<CpuMs> {
    const { suite } = this;
    const [registry, health, Postgres, nats] = await Promise.all([
      cpuUs(suite.app('registry').pid),
      cpuUs(suite.app('health').pid),
      treeCpuUs(suite.postgres.pid).then(sumOf),
      cpuUs(suite.nats.pid),
    ]);
    return {
      registry: registry / 1_000,
      health: health / 1_000,
      Postgres: Postgres / 1_000,
      'nats-server': nats / 1_000,
    };
  }
}
