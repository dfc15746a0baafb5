import type { CallEffect, CallResult } from '@downbeat/saga-domain';
import { TargetCaller, type CallContext } from '@downbeat/saga-service/testing';
import type { SimulatedProcess } from '../time/simulated-process';
import type { Route } from './network';
import type { World } from './world';

/** The way from one process to the services. */
export class SimulatedTargets extends TargetCaller {
  constructor(
    private readonly world: World,
    private readonly process: SimulatedProcess,
  ) {
    super();
  }

  async call(effect: CallEffect, { correlationId }: CallContext): Promise<CallResult> {
    const { world, process } = this;
    world.sends(process, correlationId, effect);
    const result = await this.ask(correlationId, effect);
    world.books.tell(correlationId, effect, result);
    return result;
  }

  private ask(correlationId: string, effect: CallEffect): Promise<CallResult> {
    const { world, process } = this;
    const { weather, chance } = world;
    const serve = async () => world.services.serve(correlationId, effect);
    const route: Route = {
      reaches: true,
      answers: true,
      thereMs: world.network.latency(),
      backMs: chance.isLucky(0.3) ? chance.between(0, 300) : world.network.latency(),
      timeoutMs: effect.timeoutMs,
      onTimeout: () => ({ answer: TIMEOUT as never }),
    };
    const instead = (differs: Partial<Route>, result?: CallResult): Promise<CallResult> =>
      world.network.ask<CallResult>(process, { ...route, ...differs }, async () => {
        const served = await serve();
        return result ?? served;
      });
    const unserved = (result: CallResult): Promise<CallResult> =>
      world.network.ask<CallResult>(process, route, async () => result);

    if (world.areTargetsDown || weather.strikes('call-refused')) return unserved(NOBODY);
    if (weather.strikes('call-request-lost')) return instead({ reaches: false });
    if (weather.strikes('call-answer-lost')) return instead({ answers: false });
    if (weather.strikes('call-slow')) return instead({ thereMs: chance.between(200, 3_000) });
    // A proxy on the way has asked twice, and passes on what it was told of what was done.
    if (weather.strikes('call-duplicated'))
      return world.network.ask(process, route, async () => {
        const [first, second] = [await serve(), await serve()];
        return first.kind === 'ok' || first.kind === 'oversized' ? first : second;
      });
    if (weather.strikes('call-broken'))
      return chance.isLucky(0.5) ? instead({}, BROKEN) : unserved(BROKEN);
    if (weather.strikes('target-gateway')) {
      const status = chance.oneOf(502, 504);
      const gateway: CallResult = { kind: 'answer', status, message: 'gateway' };
      return chance.isLucky(0.5) ? instead({}, gateway) : unserved(gateway);
    }
    return instead({});
  }
}

const TIMEOUT: CallResult = { kind: 'timeout', message: 'no answer' };
const BROKEN: CallResult = { kind: 'broken', message: 'the connection broke' };
const NOBODY: CallResult = { kind: 'refused', message: 'nobody there' };
