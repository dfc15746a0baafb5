import type { HeldBreakers } from '@downbeat/breakers';
import { Gauge, type Registry } from 'prom-client';

const STATES = ['closed', 'open', 'half-open'] as const;

/** How many of this process's breakers are in which state. */
export function showBreakers(breakers: Pick<HeldBreakers, 'states'>, registry: Registry): void {
  new Gauge({
    registers: [registry],
    name: 'downbeat_saga_breakers',
    help: "Breakers in front of services, by state, of this process; a service's name is in the log and in the API",
    labelNames: ['state'],
    collect() {
      const counts = new Map<string, number>(STATES.map((state) => [state, 0]));
      for (const state of breakers.states()) counts.set(state, (counts.get(state) ?? 0) + 1);
      for (const [state, count] of counts) this.set({ state }, count);
    },
  });
}
