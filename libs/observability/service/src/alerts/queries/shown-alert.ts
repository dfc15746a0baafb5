import type { AnswerOf, observabilityContract } from '@downbeat/contracts';
import type { Pending } from '@downbeat/observability-domain';
import { linksOf } from '../links';
import type { AlertRow } from '../read-model/alert.table';

export type ShownAlert = AnswerOf<typeof observabilityContract.listAlerts>['alerts'][number];

export function shownAlert(row: AlertRow): ShownAlert {
  const { said, fired_position } = row;
  const position = fired_position === null ? null : Number(fired_position);
  return {
    alert_id: row.alert_id,
    rule_id: row.rule_id,
    summary: said.summary,
    state: row.state,
    severity: row.severity,
    metric: said.metric,
    subject: said.subject,
    ...given('service_name', row.service_name),
    value: said.value,
    reason: said.reason,
    episode: Number(row.episode),
    since: said.since,
    ...given('fired_at', row.fired_at),
    ...given('fired_position', position),
    ...given('resolved_at', row.resolved_at),
    ...given('resolved_because', row.resolved_because),
    ...given('acknowledged_at', row.acknowledged_at),
    ...given('acknowledged_by', row.acknowledged_by),
    ...given('acknowledged_note', row.acknowledged_note),
    ...given('silence_id', row.silence_id),
    links: linksOf(said, position),
  };
}

/** What holds and does not fire yet. */
export const shownPending = ({ rule_key: _, view, runbook, ...said }: Pending): ShownAlert => ({
  ...said,
  state: 'pending',
  episode: 0,
  links: linksOf(
    {
      alert_id: said.alert_id,
      ...(view !== undefined && { view }),
      ...(runbook !== undefined && { runbook }),
    },
    null,
  ),
});

const given = <Name extends string, Value>(
  name: Name,
  value: Value | null,
): { readonly [Key in Name]?: Value } =>
  value === null ? {} : ({ [name]: value } as { readonly [Key in Name]: Value });
