import { observabilityContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { builtInRules, unknownReceiver, unknownRule } from '@downbeat/observability-domain';
import { ReadModels } from '@downbeat/projections';
import { Answers, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { allRules } from '../evaluating/known-alerts';
import { alertsProjection } from '../read-model/alerts.projection';
import type { DeliveryRow } from '../read-model/delivery.table';
import type { ReceiverRow, RuleRow, SilenceRow } from '../read-model/said.tables';

const {
  ALERT_METRICS,
  getAlertReceiver,
  getAlertRule,
  listAlertDeliveries,
  listAlertReceivers,
  listAlertRules,
  listSilences,
} = observabilityContract;
type ShownRule = AnswerOf<typeof getAlertRule>;
type ShownReceiver = AnswerOf<typeof getAlertReceiver>;

/** Answers what was said of alerts: rules, silences, receivers; and what was sent. */
@Controller()
export class SaidQueries {
  constructor(private readonly readModels: ReadModels) {}

  @Answers(listAlertRules)
  async rules({ as }: Question<InputOf<typeof listAlertRules>>) {
    return this.readModels.ask(alertsProjection, as, async (manager) => {
      const said: RuleRow[] = await manager.query('select * from alert_rule');
      return { rules: shownRules(said), metrics: { ...ALERT_METRICS } };
    });
  }

  @Answers(getAlertRule)
  async rule({ input: { rule_id }, as }: Question<InputOf<typeof getAlertRule>>) {
    const read = await this.readModels.ask(alertsProjection, as, async (manager) => {
      const said: RuleRow[] = await manager.query('select * from alert_rule where rule_id = $1', [
        rule_id,
      ]);
      const found = shownRules(said).find((one) => one.rule_id === rule_id);
      return found ?? unknownRule(rule_id);
    });
    return read.data instanceof Rejection ? read.data : { ...read, data: read.data };
  }

  @Answers(listSilences)
  async silences({ input, as }: Question<InputOf<typeof listSilences>>) {
    return this.readModels.ask(alertsProjection, as, async (manager) => {
      const rows: SilenceRow[] = await manager.query(
        `select * from alert_silence where $1::text is null or place < $1 collate "C"
         order by place collate "C" desc limit $2`,
        [cursorOf(input.cursor), input.limit + 1],
      );
      const page = pageOf(rows, input.limit, ({ place }) => place);
      return {
        silences: page.rows.map(({ matchers, place: _, ...silence }) => ({
          ...matchers,
          ...silence,
        })),
        next_cursor: page.nextCursor,
      };
    });
  }

  @Answers(listAlertReceivers)
  async receivers({ as }: Question<InputOf<typeof listAlertReceivers>>) {
    return this.readModels.ask(alertsProjection, as, async (manager) => {
      const rows: ReceiverRow[] = await manager.query(
        'select * from alert_receiver where settings is not null order by receiver_id collate "C"',
      );
      return { receivers: rows.flatMap((row) => shownReceiver(row) ?? []) };
    });
  }

  @Answers(getAlertReceiver)
  async receiver({ input: { receiver_id }, as }: Question<InputOf<typeof getAlertReceiver>>) {
    const read = await this.readModels.ask(alertsProjection, as, async (manager) => {
      const [row]: ReceiverRow[] = await manager.query(
        'select * from alert_receiver where receiver_id = $1',
        [receiver_id],
      );
      return (row && shownReceiver(row)) ?? unknownReceiver(receiver_id);
    });
    return read.data instanceof Rejection ? read.data : { ...read, data: read.data };
  }

  @Answers(listAlertDeliveries)
  async deliveries({ input, as }: Question<InputOf<typeof listAlertDeliveries>>) {
    return this.readModels.ask(alertsProjection, as, async (manager) => {
      const rows: DeliveryRow[] = await manager.query(
        `select * from alert_delivery
         where ($1::text is null or receiver_id = $1) and ($2::text is null or status = $2)
           and ($3::text is null or place < $3 collate "C")
         order by place collate "C" desc limit $4`,
        [input.receiver_id ?? null, input.status ?? null, cursorOf(input.cursor), input.limit + 1],
      );
      const [owed]: { count: number }[] = await manager.query(
        `select count(*)::int as count from alert_owed
         where status = 'owed' and ($1::text is null or receiver_id = $1)`,
        [input.receiver_id ?? null],
      );
      const page = pageOf(rows, input.limit, ({ place }) => place);
      return {
        deliveries: page.rows.map(shownDelivery),
        owed_count: owed?.count ?? 0,
        next_cursor: page.nextCursor,
      };
    });
  }
}

/** What was removed is there again when it was built in. */
function shownRules(said: readonly RuleRow[]): ShownRule[] {
  const byId = new Map(said.map((row) => [row.rule_id, row]));
  return allRules(said).map(({ rule_id, ...definition }) => {
    const row = byId.get(rule_id);
    return {
      rule_id,
      ...definition,
      version: Number(row?.version ?? 0),
      is_built_in: Object.hasOwn(builtInRules, rule_id),
      ...(row && { changed_at: row.changed_at, changed_by: row.changed_by }),
    };
  });
}

function shownReceiver(row: ReceiverRow): ShownReceiver | undefined {
  const { receiver_id, settings, version, changed_at, changed_by, last_test } = row;
  if (!settings) return undefined;
  const { delivery_id: _, ...test } = last_test ?? {};
  return {
    receiver_id,
    ...settings,
    version: Number(version),
    changed_at,
    changed_by,
    ...(last_test && { last_test: test as NonNullable<ShownReceiver['last_test']> }),
  };
}

const shownDelivery = (row: DeliveryRow) => ({
  delivery_id: row.delivery_id,
  receiver_id: row.receiver_id,
  status: row.status,
  alerts: row.notices.length,
  attempts: Number(row.attempts),
  prepared_at: row.prepared_at,
  ...(row.next_attempt_at === null ? {} : { next_attempt_at: row.next_attempt_at }),
  ...(row.ended_at === null ? {} : { ended_at: row.ended_at }),
  ...(row.last_reason === null ? {} : { last_reason: row.last_reason }),
});
