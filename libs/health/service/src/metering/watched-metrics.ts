import type { CheckedStatus } from '@downbeat/health-domain';
import { Gauge, type Registry } from 'prom-client';
import type { Checker } from '../checks/checker';

const STATUSES: Readonly<Record<CheckedStatus, true>> = {
  starting: true,
  healthy: true,
  unhealthy: true,
};

/** How the instances stand that are checked. */
export function showWatched(
  checker: Pick<Checker, 'status' | 'standings'>,
  registry: Registry,
): void {
  const registers = [registry];
  new Gauge({
    registers,
    name: 'downbeat_health_instances',
    help: 'Instances by how they stand, of all replicas; each replica shows the same',
    labelNames: ['status'],
    collect() {
      const standings = checker.standings();
      for (const status of Object.keys(STATUSES) as CheckedStatus[])
        this.set({ status }, standings.get(status) ?? 0);
    },
  });
  new Gauge({
    registers,
    name: 'downbeat_health_instances_watched',
    help: 'Instances that this process checks: its share',
    collect() {
      this.set(checker.status().watched);
    },
  });
  new Gauge({
    registers,
    name: 'downbeat_health_checks_under_way',
    help: 'Checks of this process that are not answered yet; at most 512 at once',
    collect() {
      this.set(checker.status().under_way);
    },
  });
}
