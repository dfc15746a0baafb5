import { BUS_GAUGES, type BusMetrics } from '@downbeat/message-bus';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { HostLifecycle } from '../runtime/host-lifecycle';
import { exposeProcess } from './process-metrics';

const SNAKE = /[A-Z]/g;
const snake = (name: string): string => name.replace(SNAKE, (letter) => `_${letter.toLowerCase()}`);

/** Exposes what the kernel counts, read at the moment of the scrape. */
export function exposeMetrics(
  service: string,
  registry: Registry,
  bus: BusMetrics,
  lifecycle: HostLifecycle,
): void {
  const registers = [registry];
  registry.setDefaultLabels({ service });
  exposeProcess(registry);

  for (const name of Object.keys(bus) as (keyof BusMetrics)[])
    if (BUS_GAUGES.includes(name))
      new Gauge({
        registers,
        name: `downbeat_bus_${snake(name)}`,
        help: `Of the message bus: ${name}`,
        collect() {
          this.set(bus[name]);
        },
      });
    else
      new Counter({
        registers,
        name: `downbeat_bus_${snake(name)}_total`,
        help: `Of the message bus, since the process began: ${name}`,
        collect() {
          this.reset();
          this.inc(bus[name]);
        },
      });

  new Gauge({
    registers,
    name: 'downbeat_projection_lag_positions',
    help: 'Positions of the log that are not in the read model yet',
    labelNames: ['projection'],
    collect() {
      for (const runtime of lifecycle.runtimes)
        for (const { name, lag } of runtime.status().projections)
          this.set({ projection: name }, lag);
    },
  });
  new Gauge({
    registers,
    name: 'downbeat_projection_parked_streams',
    help: 'Streams with an event the projection could not apply',
    labelNames: ['projection'],
    collect() {
      for (const runtime of lifecycle.runtimes)
        for (const { name, parked_streams } of runtime.status().projections)
          this.set({ projection: name }, parked_streams);
    },
  });
  new Gauge({
    registers,
    name: 'downbeat_projection_served',
    help: '1: the read model can be asked; 0 while its first version is being built',
    labelNames: ['projection'],
    collect() {
      for (const runtime of lifecycle.runtimes)
        for (const { name, is_served } of runtime.status().projections)
          this.set({ projection: name }, is_served ? 1 : 0);
    },
  });
  new Gauge({
    registers,
    name: 'downbeat_projection_faulty',
    help: '1: the last batch of the read model failed; the log says why',
    labelNames: ['projection'],
    collect() {
      for (const runtime of lifecycle.runtimes)
        for (const { name, fault } of runtime.status().projections)
          this.set({ projection: name }, fault === undefined ? 0 : 1);
    },
  });
  new Gauge({
    registers,
    name: 'downbeat_relay_stuck',
    help: '1: publications cannot be sent now; the log says why',
    labelNames: ['context'],
    collect() {
      for (const runtime of lifecycle.runtimes) {
        const relay = runtime.status().relay;
        if (relay) this.set({ context: runtime.context }, relay.stuck === undefined ? 0 : 1);
      }
    },
  });
  new Gauge({
    registers,
    name: 'downbeat_database_reachable',
    help: '1: Postgres answers this context',
    labelNames: ['context'],
    collect() {
      for (const runtime of lifecycle.runtimes)
        this.set({ context: runtime.context }, runtime.status().database === 'reachable' ? 1 : 0);
    },
  });
  new Counter({
    registers,
    name: 'downbeat_relay_finds_total',
    help: 'Losses of the bus that the relay found and sent again; 0 in a healthy suite',
    labelNames: ['context', 'kind'],
    collect() {
      this.reset();
      for (const runtime of lifecycle.runtimes)
        for (const [kind, count] of Object.entries(runtime.status().relay?.finds ?? {}))
          this.inc({ context: runtime.context, kind }, count);
    },
  });
  new Counter({
    registers,
    name: 'downbeat_reactor_halvings_total',
    help: 'Publications that could not be applied at once and were applied in parts; the log says why',
    labelNames: ['context', 'consumer'],
    collect() {
      this.reset();
      for (const runtime of lifecycle.runtimes)
        for (const [consumer, { halvings }] of Object.entries(runtime.status().reactors))
          this.inc({ context: runtime.context, consumer }, halvings);
    },
  });
  new Gauge({
    registers,
    name: 'downbeat_relay_unsent',
    help: 'Publications that are numbered and not yet acknowledged by the bus, of the replica that relays',
    labelNames: ['context'],
    collect() {
      this.reset();
      for (const runtime of lifecycle.runtimes) {
        const unsent = runtime.status().relay?.unsent;
        if (unsent !== undefined) this.set({ context: runtime.context }, unsent);
      }
    },
  });
}
