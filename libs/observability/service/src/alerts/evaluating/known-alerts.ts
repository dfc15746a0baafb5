import { EventStore } from '@downbeat/event-store';
import type { Position } from '@downbeat/eventsourcing';
import {
  builtInRules,
  type AlertRule,
  type Known,
  type OpenAlert,
  type Receiver,
  type Silence,
} from '@downbeat/observability-domain';
import { ReadModels } from '@downbeat/projections';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { AlertRow } from '../read-model/alert.table';
import { alertsProjection } from '../read-model/alerts.projection';
import type { ReceiverRow, RuleRow, SilenceRow } from '../read-model/said.tables';

/** Alerts that last at once; what is more is not settled before others are. */
const OPEN_MAX = 10_000;

/** What the log knows of alerts, for an evaluation. */
@Injectable()
export class KnownAlerts {
  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
  ) {}

  head(): Promise<Position> {
    return this.store.head();
  }

  /** @param position At least as it was then. */
  async read(position: Position): Promise<Omit<Known, 'pending'>> {
    const as = { min_position: position };
    const { data } = await this.readModels.ask(alertsProjection, as, async (manager) => ({
      rules: await rulesOf(manager),
      receivers: await receiversOf(manager),
      silences: await silencesOf(manager),
      open: await openOf(manager),
    }));
    return data;
  }
}

/** Those that are built in, and what was said of them and of others. */
export async function rulesOf(manager: EntityManager): Promise<readonly AlertRule[]> {
  const said: RuleRow[] = await manager.query('select * from alert_rule');
  return allRules(said);
}

export function allRules(said: readonly RuleRow[]): readonly AlertRule[] {
  const definitions = new Map(Object.entries(builtInRules));
  for (const { rule_id, definition } of said) if (definition) definitions.set(rule_id, definition);
  return [...definitions]
    .map(([rule_id, definition]) => ({ rule_id, ...definition }))
    .sort((one, other) => (one.rule_id < other.rule_id ? -1 : 1));
}

async function receiversOf(manager: EntityManager): Promise<readonly Receiver[]> {
  const rows: ReceiverRow[] = await manager.query(
    'select * from alert_receiver where settings is not null',
  );
  return rows.flatMap(({ receiver_id, settings }) =>
    settings ? [{ receiver_id, ...settings }] : [],
  );
}

/** Those that are over by the database's time and a little more cannot hold any more. */
async function silencesOf(manager: EntityManager): Promise<readonly Silence[]> {
  const rows: SilenceRow[] = await manager.query(
    `select * from alert_silence where ends_at > now() - interval '1 minute'
     order by ends_at desc limit 1000`,
  );
  return rows.map(({ silence_id, matchers, ends_at }) => ({ silence_id, matchers, ends_at }));
}

async function openOf(manager: EntityManager): Promise<readonly OpenAlert[]> {
  const rows: AlertRow[] = await manager.query(
    `select * from alert where state in ('firing', 'silenced') order by place limit $1`,
    [OPEN_MAX],
  );
  return rows.map(({ alert_id, rule_id, said, state }) => ({
    alert_id,
    rule_id,
    metric: said.metric,
    subject: said.subject,
    ...(said.service_name !== undefined && { service_name: said.service_name }),
    since: said.since,
    status: state === 'silenced' ? 'silenced' : 'firing',
  }));
}
