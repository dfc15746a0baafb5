import { Gauge, type Registry } from 'prom-client';
import type { Probes } from '../http/probes';

/** Whether the process works, and each thing that it needs. */
export function exposeReadiness(registry: Registry, probes: Probes): void {
  const registers = [registry];
  new Gauge({
    registers,
    name: 'downbeat_ready',
    help: '1: /health/ready answers 200',
    collect() {
      this.set(probes.isReady() ? 1 : 0);
    },
  });
  new Gauge({
    registers,
    name: 'downbeat_probe_ready',
    help: '1: this thing that the process needs works',
    labelNames: ['probe'],
    collect() {
      for (const [probe, { isReady }] of Object.entries(probes.report().checks))
        this.set({ probe }, isReady ? 1 : 0);
    },
  });
}
