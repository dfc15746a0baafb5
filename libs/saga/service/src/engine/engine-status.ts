import type { MessageBus } from '@downbeat/message-bus';
import type { Probes } from '@downbeat/service-host';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Replica } from './replica';

/** Asked of any replica: how it is, and which of its runs cannot go on for now. */
const STATUS_SUBJECT = 'query.saga.engine-status';

/** Shows how the engine is: to probes, to whoever scrapes, and to whoever asks. */
export function showEngine(
  replica: Pick<Replica, 'status'>,
  incidents: { readonly count: number },
  probes: Probes,
  metrics: Registry,
  bus: MessageBus,
): void {
  const statusNow = () => ({ ...replica.status(), open_incidents: incidents.count });
  // Without a lease a replica can do nothing, and no other one needs it to.
  probes.add({
    name: 'saga-engine',
    check: () => {
      const status = statusNow();
      return { isReady: status.owner !== '', details: { ...status } };
    },
  });
  bus.answer(STATUS_SUBJECT, async () => ({ ok: true, position: 0, data: statusNow() }));
  gauge(
    metrics,
    'open_runs',
    'Runs this process holds in memory',
    () => replica.status().open_runs,
  );
  gauge(
    metrics,
    'open_runs_max',
    'Runs this process may hold; new ones are turned away then',
    () => replica.status().open_runs_max,
  );
  counter(
    metrics,
    'starts_turned_away_total',
    'Times that this process had no room for a new run; another replica may have taken it',
    () => replica.status().starts_turned_away,
  );
  gauge(
    metrics,
    'troubled_runs',
    'Runs that cannot go on for now; 0 in a healthy suite',
    () => replica.status().troubled_runs,
  );
  gauge(
    metrics,
    'open_incidents',
    'Incidents that wait for a person, of the runs of all replicas; alert above 0',
    () => incidents.count,
  );
  gauge(
    metrics,
    'calls_under_way',
    'Calls to services that are not answered yet',
    () => replica.status().calls_under_way,
  );
  gauge(
    metrics,
    'calls_waiting',
    'Calls that wait because their service has enough of them',
    () => replica.status().calls_waiting,
  );
  counter(
    metrics,
    'runs_taken_over_total',
    'Runs taken over from replicas that were gone, since the process began',
    () => replica.status().taken_over,
  );
  counter(
    metrics,
    'runs_swept_total',
    'Held runs that nobody had open, found by comparing; 0 in a sound engine',
    () => replica.status().swept,
  );
}

const counter = (registry: Registry, name: string, help: string, valueOf: () => number): void => {
  new Counter({
    registers: [registry],
    name: `downbeat_saga_${name}`,
    help,
    collect() {
      this.reset();
      this.inc(valueOf());
    },
  });
};

const gauge = (registry: Registry, name: string, help: string, valueOf: () => number): void => {
  new Gauge({
    registers: [registry],
    name: `downbeat_saga_${name}`,
    help,
    collect() {
      this.set(valueOf());
    },
  });
};
