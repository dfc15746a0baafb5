import { execute, EventStore } from '@downbeat/event-store';
import { instantOf, Rejection, type Position } from '@downbeat/eventsourcing';
import {
  alertDelivery,
  deliveryStream,
  noticeKey,
  type DeliveryCommand,
  type Receiver,
} from '@downbeat/observability-domain';
import { ReadModels } from '@downbeat/projections';
import { Clock, newId } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { alertsProjection } from '../read-model/alerts.projection';
import type { DeliveryRow } from '../read-model/delivery.table';
import type { NoticeRow, OwedRow } from '../read-model/notice.tables';
import type { ReceiverRow } from '../read-model/said.tables';
import type { ToldNotice } from './webhook-body';

const OWED_MAX = 500;
const DUE_MAX = 500;
const RECEIVERS_MAX = 200;

export type WithoutTime<C> = C extends unknown ? Omit<C, 'at'> : never;

export interface Due extends DeliveryRow {
  readonly settings: Receiver | undefined;
}

/** What is owed, prepared and due, and what became of it. */
@Injectable()
export class DeliveryLedger {
  /** What was recorded here is read afterwards. */
  private position: Position = 0;

  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
    private readonly clock: Clock,
  ) {}

  /** Nothing is read from before this. */
  async begin(): Promise<void> {
    this.position = await this.store.head();
  }

  async receivers(): Promise<readonly Receiver[]> {
    const rows = await this.read<Pick<ReceiverRow, 'receiver_id' | 'settings'>>(
      `select receiver_id, settings from alert_receiver
       where settings is not null order by receiver_id limit $1`,
      [RECEIVERS_MAX],
    );
    return rows.flatMap(({ receiver_id, settings }) =>
      settings ? [{ receiver_id, ...settings }] : [],
    );
  }

  /** Oldest first. Of one alert a receiver is told in order: while something is on its way, what followed waits. */
  async owed(): Promise<readonly OwedRow[]> {
    return this.read<OwedRow>(
      `select o.* from alert_owed o
       where o.status = 'owed' and not exists (
         select from alert_owed b
         where b.alert_id = o.alert_id and b.receiver_id = o.receiver_id
           and b.status = 'prepared' and b.place < o.place)
       order by o.place limit $1`,
      [OWED_MAX],
    );
  }

  /** Of each receiver the one that is due first. */
  async due(): Promise<readonly Due[]> {
    const rows = await this.read<DeliveryRow & Pick<ReceiverRow, 'settings'>>(
      `select distinct on (due.receiver_id) due.*, r.settings
       from (select * from alert_delivery
             where status = 'prepared' and next_attempt_at <= $1
             order by next_attempt_at limit $2) due
       left join alert_receiver r using (receiver_id)
       order by due.receiver_id, due.next_attempt_at`,
      [instantOf(this.clock.now()), DUE_MAX],
    );
    return rows.map(({ settings, ...row }) => ({
      ...row,
      attempts: Number(row.attempts),
      settings: settings ? { receiver_id: row.receiver_id, ...settings } : undefined,
    }));
  }

  /** In the order of the delivery. */
  async noticesOf({ notices }: Pick<DeliveryRow, 'notices'>): Promise<readonly ToldNotice[]> {
    const wanted = notices.flatMap((notice) => [notice, beginningOf(notice)]);
    const rows = await this.read<NoticeRow>(
      'select * from alert_notice where notice = any($1::text[])',
      [wanted],
    );
    const byKey = new Map(rows.map((row) => [row.notice, row]));
    return notices.flatMap((key) => {
      const [notice, begun] = [byKey.get(key), byKey.get(beginningOf(key))];
      return notice && begun ? [{ notice, begun }] : [];
    });
  }

  async record(command: WithoutTime<DeliveryCommand>): Promise<void> {
    const at = instantOf(this.clock.now());
    const { delivery_id } = command.data;
    const id = newId();
    const result = await execute(
      this.store,
      alertDelivery,
      deliveryStream(delivery_id),
      { ...command, at } as DeliveryCommand,
      { meta: { correlation_id: delivery_id, causation_id: id, actor: 'alerts' } },
    );
    if (result instanceof Rejection) throw new RangeError(result.message);
    this.position = Math.max(this.position, result.position);
  }

  private async read<Row>(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const { data } = await this.readModels.ask(
      alertsProjection,
      { min_position: this.position },
      (manager) => manager.query<Row[]>(text, [...values]),
    );
    return data;
  }
}

/** `<alert>:<episode>:resolved` → `<alert>:<episode>:fired` */
function beginningOf(notice: string): string {
  const [alertId = '', episode = ''] = notice.split(':');
  return noticeKey(alertId, Number(episode), 'fired');
}
