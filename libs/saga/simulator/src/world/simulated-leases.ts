import { Leases, type HeldStream } from '@downbeat/event-store';
import type { MemoryLeases } from '@downbeat/event-store/testing';
import type { StreamName } from '@downbeat/eventsourcing';
import type { SimulatedProcess } from '../time/simulated-process';
import { storeUnavailable, type World } from './world';

const PATIENCE_MS = 500;

/** The leases as one process reaches them. */
export class SimulatedLeases extends Leases {
  constructor(
    private readonly world: World,
    private readonly process: SimulatedProcess,
  ) {
    super();
  }

  renew(owner: string, ttlMs: number): Promise<boolean> {
    this.world.owners.set(owner, this.process);
    return this.ask((leases) => leases.renew(owner, ttlMs));
  }

  takeOver(owner: string, limit: number): Promise<readonly HeldStream[]> {
    return this.ask(async (leases) => {
      const held = await leases.takeOver(owner, limit);
      for (const { stream, epoch } of held) this.world.tookOver(this.process, stream, epoch);
      return held;
    });
  }

  resign(owner: string): Promise<void> {
    return this.ask((leases) => leases.resign(owner));
  }

  holder(stream: StreamName): Promise<string | undefined> {
    return this.ask((leases) => leases.holder(stream));
  }

  held(owner: string): Promise<readonly HeldStream[]> {
    return this.ask((leases) => leases.held(owner));
  }

  private ask<Answer>(what: (leases: MemoryLeases) => Promise<Answer>): Promise<Answer> {
    const { world, process } = this;
    const route = {
      ...world.routeToStore(process, PATIENCE_MS, storeUnavailable),
      ...(world.weather.strikes('lease-call-lost') ? { reaches: false } : {}),
      ...(world.weather.strikes('lease-call-unanswered') ? { answers: false } : {}),
    };
    return world.network.ask(process, route, () => what(world.leases));
  }
}
