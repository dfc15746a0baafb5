import { Gauge, type Registry } from 'prom-client';
import type { LiveDirectory } from '../directory/live-directory';

/** What is listed, as this replica has read it from the log. */
export function showDirectory(
  directory: Pick<LiveDirectory, 'status' | 'sessionCount'>,
  registry: Registry,
): void {
  const registers = [registry];
  new Gauge({
    registers,
    name: 'downbeat_registry_services',
    help: 'Services that are listed; each replica shows the same',
    collect() {
      this.set(directory.status().services);
    },
  });
  new Gauge({
    registers,
    name: 'downbeat_registry_instances',
    help: 'Instances that have registered and not gone; each replica shows the same',
    collect() {
      this.set(directory.status().instances);
    },
  });
  new Gauge({
    registers,
    name: 'downbeat_registry_sessions',
    help: 'Connections to NATS that instances stand and fall with',
    collect() {
      this.set(directory.sessionCount);
    },
  });
}
