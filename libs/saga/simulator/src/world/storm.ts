import type { TargetRules } from '@downbeat/saga-service/testing';
import type { Node } from './node';
import type { World } from './world';

/** What befalls replicas and servers in one turn of the storm. */
export class Storm {
  private rules: readonly TargetRules[] = [];

  constructor(
    private readonly world: World,
    private readonly nodes: () => readonly Node[],
    /** Services that operators may say something of. */
    private readonly services: readonly string[],
  ) {}

  turn(): void {
    const { world } = this;
    const { weather, chance, time } = world;
    const { now } = time;
    if (weather.strikes('store-outage')) world.storeDownUntil = now + chance.between(200, 4_000);
    if (weather.strikes('target-outage')) world.targetsDownUntil = now + chance.between(200, 3_000);
    this.ruleTargets();
    for (const node of this.nodes()) this.befall(node);
  }

  /** A replica learns what operators say of targets, a little later. */
  tell(node: Node): void {
    const { time, network } = this.world;
    const rules = this.rules;
    time.after(network.latency(), node.process, () => node.follow(rules, this.nodes().length));
  }

  private ruleTargets(): void {
    const { weather, chance } = this.world;
    const is_paused = weather.strikes('target-paused');
    const isLimited = weather.strikes('target-limited');
    const isResumed = weather.strikes('target-resumed') && this.rules.length > 0;
    if (!is_paused && !isLimited && !isResumed) return;
    const ruled = isResumed ? this.rules.map(({ service_name }) => service_name) : this.services;
    const service_name = chance.pick(ruled) ?? '';
    const limits = isLimited ? { rate_per_second: chance.oneOf(0.5, 2), concurrency_max: 1 } : {};
    // What was said before holds no longer, some of the time.
    const others = chance.isLucky(0.5)
      ? []
      : this.rules.filter((rule) => rule.service_name !== service_name);
    this.rules = [...others, { service_name, is_paused, limits }];
    for (const node of this.nodes()) this.tell(node);
  }

  /** It clears up: what lasted ends now. */
  end(): void {
    const { world } = this;
    world.weather.isStormy = false;
    world.storeDownUntil = 0;
    world.targetsDownUntil = 0;
    world.cutOffUntil.clear();
    this.rules = [];
    for (const node of this.nodes()) this.tell(node);
    world.say('', 'the weather clears up');
  }

  private befall(node: Node): void {
    const { world } = this;
    const { weather, chance, time } = world;
    const { process } = node;
    const { now } = time;
    if (weather.strikes('replica-cut-off'))
      world.cutOffUntil.set(process, now + chance.between(200, 8_000));
    if (weather.strikes('frozen')) process.freeze(now, chance.between(100, 8_000));
    if (weather.strikes('suspended')) process.suspend(now, chance.between(100, 8_000));
    if (weather.strikes('clock-set')) node.setClock();
    if (weather.strikes('killed-anywhere')) node.kill('killed');
    else if (node.isServing && weather.strikes('stopped-in-order'))
      time.after(0, process, () => void node.stop());
  }
}
