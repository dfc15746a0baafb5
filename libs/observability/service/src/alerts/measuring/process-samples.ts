import type { AlertMetric, Measured, Sample } from '@downbeat/observability-domain';
import { FRESH_MS, uncertainty, type Heard } from './process-certainty';
import type { ProcessReport } from './process-report';

const METRICS: readonly AlertMetric[] = [
  'process_memory_bytes',
  'bus_waiting',
  'bus_quarantined_total',
  'bus_handler_timeouts_total',
  'bus_disconnects_total',
  'bus_server_gave_up_total',
  'projection_lag_positions',
  'projection_parked_streams',
  'relay_finds_total',
  'publications_unsent',
];

/**
 * What processes say of themselves, and of those that say nothing for how long.
 *
 * @param expected Names that are to be heard of; since when somebody listens, `listeningSinceMs`, their silence counts.
 */
export function processSamples(
  heard: readonly Heard[],
  expected: readonly string[],
  listeningSinceMs: number,
  nowMs: number,
): Measured {
  const fresh = heard.filter(({ atMs }) => nowMs - atMs <= FRESH_MS);
  const names = new Set([...expected, ...heard.map(({ report }) => report.name)]);
  const silence = [...names].map((name): Sample => {
    const times = heard.filter(({ report }) => report.name === name).map(({ atMs }) => atMs);
    const since = Math.max(listeningSinceMs, ...times);
    return {
      metric: 'process_silent_seconds',
      subject: name,
      service_name: name,
      value: Math.max(0, (nowMs - since) / 1_000),
      view: '/status',
    };
  });
  return {
    samples: [...silence, ...fresh.flatMap(samplesOf), ...queuesOf(fresh)],
    metrics: new Set<AlertMetric>([
      'process_silent_seconds',
      // Nobody was heard yet: what was known of them before stands.
      ...(fresh.length > 0 ? METRICS : []),
      ...(fresh.some(({ report }) => report.queues !== undefined)
        ? (['queue_messages', 'queue_oldest_seconds'] as const)
        : []),
    ]),
    isUncertain: uncertainty(heard, expected, listeningSinceMs, nowMs),
  };
}

function samplesOf({ report }: Heard): readonly Sample[] {
  const { name, process_id, bus, contexts } = report;
  const subject = `${name} ${process_id}`;
  const own = (metric: AlertMetric, value: number): Sample => ({
    metric,
    subject,
    service_name: name,
    value,
    view: '/status',
  });
  return [
    own('process_memory_bytes', report.memory_bytes),
    own('bus_waiting', bus.waiting),
    own('bus_quarantined_total', bus.quarantined),
    own('bus_handler_timeouts_total', bus.handler_timeouts),
    own('bus_disconnects_total', bus.disconnects),
    own('bus_server_gave_up_total', bus.server_gave_up),
    ...contexts.flatMap((context) => samplesOfContext(context, process_id)),
  ];
}

function samplesOfContext(
  { context, projections, relay_finds, unsent }: ProcessReport['contexts'][number],
  processId: string,
): readonly Sample[] {
  const of = (metric: AlertMetric, subject: string, value: number): Sample => ({
    metric,
    subject,
    service_name: context,
    value,
    view: '/status',
  });
  return [
    ...projections.flatMap(({ name, lag, parked_streams }) => [
      of('projection_lag_positions', name, lag),
      of('projection_parked_streams', name, parked_streams),
    ]),
    // Counted by each process by itself.
    ...(relay_finds === undefined
      ? []
      : [of('relay_finds_total', `${context} ${processId}`, relay_finds)]),
    ...(unsent === undefined ? [] : [of('publications_unsent', context, unsent)]),
  ];
}

/** Replicas say the same of a queue they share: the newest counts. */
function queuesOf(heard: readonly Heard[]): readonly Sample[] {
  const newest = new Map<string, Heard & { readonly at: number }>();
  heard.forEach((one) =>
    one.report.queues?.forEach(({ name }, at) => {
      if ((newest.get(name)?.atMs ?? -1) < one.atMs) newest.set(name, { ...one, at });
    }),
  );
  return [...newest.values()].flatMap(({ report, at }): Sample[] => {
    const queue = report.queues?.[at];
    if (!queue) return [];
    const of = { subject: queue.name, service_name: report.name };
    return [
      { metric: 'queue_messages', ...of, value: queue.messages },
      { metric: 'queue_oldest_seconds', ...of, value: queue.oldest_seconds ?? 0 },
    ];
  });
}
