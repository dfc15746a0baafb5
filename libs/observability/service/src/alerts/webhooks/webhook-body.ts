import { linksOf } from '../links';
import type { NoticeRow } from '../read-model/notice.tables';

/** A notice, and the beginning that it belongs to. */
export interface ToldNotice {
  readonly notice: NoticeRow;
  readonly begun: NoticeRow;
}

/** The same text for the same delivery, whichever attempt it is. */
export const webhookBody = (
  deliveryId: string,
  receiverId: string,
  notices: readonly ToldNotice[],
  linkBase?: string,
): string =>
  JSON.stringify({
    delivery_id: deliveryId,
    receiver_id: receiverId,
    kind: 'alerts',
    alerts: notices.map((one) => told(one, linkBase)),
  });

export const testBody = (deliveryId: string, receiverId: string): string =>
  JSON.stringify({ delivery_id: deliveryId, receiver_id: receiverId, kind: 'test', alerts: [] });

function told({ notice, begun }: ToldNotice, linkBase: string | undefined) {
  const { alert_id, episode, kind, at, position, reason } = notice;
  const { rule_id, summary, severity, metric, subject, service_name, since, view, runbook } =
    begun.said ?? {};
  return {
    alert_id,
    episode: Number(episode),
    state: kind === 'fired' ? 'firing' : 'resolved',
    rule_id,
    summary,
    severity,
    metric,
    subject,
    service_name,
    value: notice.value ?? begun.value,
    reason,
    since,
    at,
    position: Number(position),
    links: linksOf(
      {
        alert_id,
        ...(view !== undefined && { view }),
        ...(runbook !== undefined && { runbook }),
      },
      Number(begun.position),
      linkBase,
    ),
  };
}
