import { observabilityContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import type { Pending } from '@downbeat/observability-domain';
import { ReadModels } from '@downbeat/projections';
import { Answers, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { PendingAlerts } from '../evaluating/pending-alerts';
import type { AlertRow } from '../read-model/alert.table';
import { alertsProjection } from '../read-model/alerts.projection';
import type { NoticeRow, OwedRow } from '../read-model/notice.tables';
import { shownAlert, shownPending, type ShownAlert } from './shown-alert';

const { listAlerts, getAlert } = observabilityContract;
type ListInput = InputOf<typeof listAlerts>;
type Counts = AnswerOf<typeof listAlerts>['counts'];
type Details = AnswerOf<typeof getAlert>;

const NOTICES_SHOWN = 50;
const OWED_SHOWN = 100;
const PENDING_SHOWN = 200;

/** Answers what fires, fired, or is about to. */
@Controller()
export class AlertsQueries {
  constructor(
    private readonly readModels: ReadModels,
    private readonly waiting: PendingAlerts,
  ) {}

  @Answers(listAlerts)
  async list({ input, as }: Question<ListInput>) {
    // What waits is not in the log: of the past nobody knows it.
    const pending = as.at === undefined ? await this.pendingOf(input) : [];
    return this.readModels.ask(alertsProjection, as, async (manager) => {
      const page = await pageOfAlerts(manager, input);
      const isFirst = input.cursor === undefined;
      const isAsked = input.state === undefined || input.state === 'pending';
      const waiting = isFirst && isAsked ? pending.slice(0, PENDING_SHOWN) : [];
      return {
        alerts: [...waiting.map(shownPending), ...page.rows.map(shownAlert)],
        counts: { ...(await countsOf(manager, input)), pending: pending.length },
        next_cursor: page.nextCursor,
      };
    });
  }

  @Answers(getAlert)
  async get({ input: { alert_id }, as }: Question<InputOf<typeof getAlert>>) {
    const pending = as.at === undefined ? await this.waiting.read() : [];
    const read = await this.readModels.ask(alertsProjection, as, async (manager) => {
      const [row]: AlertRow[] = await manager.query('select * from alert where alert_id = $1', [
        alert_id,
      ]);
      const waits = pending.find((one) => one.alert_id === alert_id);
      const alert = row ? shownAlert(row) : waits && shownPending(waits);
      return alert ? details(manager, alert) : unknownAlert(alert_id);
    });
    return read.data instanceof Rejection ? read.data : { ...read, data: read.data };
  }

  private async pendingOf(input: ListInput): Promise<readonly Pending[]> {
    const { severity, rule_id, service_name } = input;
    return (await this.waiting.read()).filter(
      (one) =>
        (severity === undefined || one.severity === severity) &&
        (rule_id === undefined || one.rule_id === rule_id) &&
        (service_name === undefined || one.service_name === service_name),
    );
  }
}

const unknownAlert = (id: string): Rejection =>
  new Rejection('alert-unknown', `there is no alert ${id}`, 'not-found');

const FILTER = `($1::text is null or severity = $1) and ($2::text is null or rule_id = $2)
  and ($3::text is null or service_name = $3)`;
const filterOf = ({ severity, rule_id, service_name }: ListInput) => [
  severity ?? null,
  rule_id ?? null,
  service_name ?? null,
];

async function pageOfAlerts(manager: EntityManager, input: ListInput) {
  const rows: AlertRow[] = await manager.query(
    `select * from alert where ${FILTER} and ($4::text is null or state = $4)
       and ($5::text is null or place < $5 collate "C")
     order by place collate "C" desc limit $6`,
    [...filterOf(input), input.state ?? null, cursorOf(input.cursor), input.limit + 1],
  );
  return pageOf(rows, input.limit, ({ place }) => place);
}

async function countsOf(manager: EntityManager, input: ListInput): Promise<Counts> {
  const [counts]: Counts[] = await manager.query(
    `select 0 as pending,
       count(*) filter (where state = 'firing')::int as firing,
       count(*) filter (where state = 'silenced')::int as silenced,
       count(*) filter (where state = 'resolved')::int as resolved,
       count(*) filter (where state = 'firing' and acknowledged_at is null)::int as unacknowledged,
       count(*) filter (where state = 'firing' and severity = 'critical')::int as critical,
       count(*) filter (where state = 'firing' and severity = 'warning')::int as warning,
       count(*) filter (where state = 'firing' and severity = 'info')::int as info
     from alert where ${FILTER}`,
    filterOf(input),
  );
  if (!counts) throw new RangeError('an aggregate has a row');
  return counts;
}

async function details(manager: EntityManager, alert: ShownAlert): Promise<Details> {
  const notices: NoticeRow[] = await manager.query(
    'select * from alert_notice where alert_id = $1 order by place collate "C" desc limit $2',
    [alert.alert_id, NOTICES_SHOWN],
  );
  const owed: OwedRow[] = await manager.query(
    `select * from alert_owed where alert_id = $1
     order by place collate "C" desc, receiver_id limit $2`,
    [alert.alert_id, OWED_SHOWN],
  );
  return {
    alert,
    notices: notices.map(({ episode, kind, at, position, value, reason }) => ({
      episode: Number(episode),
      kind,
      at,
      position: Number(position),
      ...(value === null ? {} : { value }),
      reason,
    })),
    deliveries: owed.map(({ receiver_id, episode, kind, status, delivery_id, reason }) => ({
      receiver_id,
      episode: Number(episode),
      kind,
      // Prepared is what is owed, on its way.
      status: status === 'prepared' ? 'owed' : status,
      ...(delivery_id === null ? {} : { delivery_id }),
      ...(reason === null ? {} : { reason }),
    })),
  };
}
