import type { Node } from './node';
import type { World } from './world';

/** What befalls replicas and servers in one turn of the storm. */
export class Storm {
  constructor(
    private readonly world: World,
    private readonly nodes: () => readonly Node[],
  ) {}

  turn(): void {
    const { world } = this;
    const { weather, chance, time } = world;
    const { now } = time;
    if (weather.strikes('store-outage')) world.storeDownUntil = now + chance.between(200, 4_000);
    if (weather.strikes('target-outage')) world.targetsDownUntil = now + chance.between(200, 3_000);
    for (const node of this.nodes()) this.befall(node);
  }

  /** It clears up: what lasted ends now. */
  end(): void {
    const { world } = this;
    world.weather.isStormy = false;
    world.storeDownUntil = 0;
    world.targetsDownUntil = 0;
    world.cutOffUntil.clear();
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
