import type { ContextPool } from '@downbeat/service-host';
import type { SimulatedProcess } from '../time/simulated-process';
import { storeUnavailable, type World } from './world';

const PATIENCE_MS = 1_000;

/** As much of a pool of connections as a clock needs, and a lock that lives as long as its connection. */
export function simulatedPool(world: World, process: SimulatedProcess): ContextPool {
  const ask = <Row>(row: () => Row) =>
    world.network.ask(
      process,
      world.routeToStore(process, PATIENCE_MS, storeUnavailable),
      async () => ({ rows: [row()] }),
    );
  const client = {
    on: () => client,
    off: () => client,
    query: (_: string, [name = '']: readonly string[]) =>
      ask(() => {
        const holder = world.locks.get(name);
        if (!holder?.isAlive) world.locks.set(name, process);
        return { held: world.locks.get(name) === process };
      }),
    release: (isClosed = false) => {
      for (const [name, holder] of world.locks)
        if (isClosed && holder === process) world.locks.delete(name);
    },
  };
  const pool = { connect: async () => client };
  return { query: () => ask(() => ({ ms: world.time.now })), pool } as unknown as ContextPool;
}
