import type {
  AnswerOf,
  healthContract,
  messagingContract,
  sagaContract,
} from '@downbeat/contracts';
import type { Measured, Sample } from '@downbeat/observability-domain';

type Components = AnswerOf<typeof healthContract.systemHealth>['components'];
type DeadLetterGroup = AnswerOf<typeof messagingContract.listDeadLetters>['groups'][number];
type Incident = AnswerOf<typeof sagaContract.listIncidents>['incidents'][number];

export function serviceSamples(components: Components): Measured {
  const samples = Object.entries(components).flatMap(([name, component]): Sample[] => {
    if (component.status === 'unchecked') return [];
    const of = { subject: name, service_name: name, view: `/health/services/${name}` };
    const { origin } = component.inherited ?? {};
    const detail = origin === undefined ? {} : { detail: `it began with ${origin}` };
    const down: Sample = {
      metric: 'service_down',
      ...of,
      ...detail,
      value: component.status === 'unhealthy' ? 1 : 0,
    };
    return [
      // Nobody waits for one that its instances left by themselves.
      ...(component.is_scaled_to_zero ? [] : [down]),
      {
        metric: 'service_unhealthy_instances',
        ...of,
        ...detail,
        value: component.unhealthy_instances,
      },
    ];
  });
  return { samples, metrics: new Set(['service_down', 'service_unhealthy_instances']) };
}

export function deadLetterSamples(groups: readonly DeadLetterGroup[]): Measured {
  const byConsumer = new Map<string, { count: number; reason: string }>();
  for (const { consumer, count, reason } of groups) {
    const before = byConsumer.get(consumer)?.count ?? 0;
    byConsumer.set(consumer, { count: before + count, reason });
  }
  return {
    metrics: new Set(['dead_letters']),
    samples: [...byConsumer].map(([consumer, { count, reason }]) => ({
      metric: 'dead_letters',
      subject: consumer,
      value: count,
      view: `/messages/dead-letters?consumer=${encodeURIComponent(consumer)}`,
      detail: reason.slice(0, 200),
    })),
  };
}

export function incidentSamples(incidents: readonly Incident[], nowMs: number): Measured {
  const open = new Map<string, number>();
  for (const { workflow_name } of incidents)
    open.set(workflow_name, (open.get(workflow_name) ?? 0) + 1);
  return {
    metrics: new Set(['incidents_open', 'incident_age_seconds']),
    samples: [
      ...[...open].map(([workflow, value]): Sample => ({
        metric: 'incidents_open',
        subject: workflow,
        value,
        view: `/workflows/incidents?workflow_name=${workflow}`,
      })),
      ...incidents.map(({ id, workflow_name, opened_at, message }): Sample => ({
        metric: 'incident_age_seconds',
        subject: id,
        value: Math.max(0, (nowMs - Date.parse(opened_at)) / 1_000),
        view: `/workflows/incidents/${id}`,
        detail: `${workflow_name}: ${message.slice(0, 200)}`,
      })),
    ],
  };
}
