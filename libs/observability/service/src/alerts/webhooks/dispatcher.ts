import { NOTICES_MAX } from '@downbeat/observability-domain';
import { Clock, HostSettings, loadConfig, Periodic } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { deliveryIdOf } from '../alert-id';
import { alertsConfig } from '../alerts-config';
import type { OwedRow } from '../read-model/notice.tables';
import { DeliveryLedger, type Due } from './delivery-ledger';
import { Pauses } from './pauses';
import { webhookBody } from './webhook-body';
import { isForAlerts } from './webhook-secret';
import { Webhooks } from './webhooks';

const LOOK_EVERY_MS = 1_000;
const RECEIVERS_AT_ONCE_MAX = 32;

/**
 * Sends what is owed. What goes out together is recorded before it is sent, and what became of it after:
 * after a crash in between the same goes out again under the same id. Each receiver waits for itself alone.
 */
@Injectable()
export class Dispatcher {
  private readonly logger = new Logger(Dispatcher.name);
  private readonly underWay = new Map<string, Promise<void>>();
  private readonly pauses = new Pauses();
  private readonly linkBase: string | undefined;
  private isBegun = false;
  private readonly periodic: Periodic;

  constructor(
    private readonly ledger: DeliveryLedger,
    private readonly webhooks: Webhooks,
    private readonly clock: Clock,
    { environment }: HostSettings,
  ) {
    const { ALERTS_LINK_BASE, ALERTS_EVERY_MS } = loadConfig(alertsConfig, environment);
    this.linkBase = ALERTS_LINK_BASE?.replace(/\/+$/, '');
    const everyMs = Math.min(LOOK_EVERY_MS, ALERTS_EVERY_MS);
    this.periodic = new Periodic('sending alerts', everyMs, () => this.look());
  }

  start(): void {
    this.isBegun = false;
    this.periodic.start({ atOnce: true });
  }

  /** Something may be owed now. */
  hurry(): void {
    this.periodic.hurry();
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
    await Promise.all(this.underWay.values());
  }

  private async look(): Promise<void> {
    if (!this.isBegun) await this.begun();
    this.isBegun = true;
    for (const group of groupsOf(await this.ledger.owed())) await this.prepare(group);
    for (const due of await this.ledger.due()) this.begin(due);
  }

  private async begun(): Promise<void> {
    await this.ledger.begin();
    const receivers = (await this.ledger.receivers())
      .filter(({ is_enabled, secret }) => is_enabled && !isForAlerts(secret.$secret.ref))
      .map(({ receiver_id, secret }) => `${receiver_id}: ${secret.$secret.ref}`);
    if (receivers.length > 0)
      this.logger.warn(
        { receivers },
        'receivers are told nothing: their key is none that is meant for alerts, see "Be told" in docs/alerts.md',
      );
  }

  private async prepare(group: readonly OwedRow[]): Promise<void> {
    const [first] = group;
    if (!first) return;
    const { receiver_id } = first;
    const notices = group.map(({ notice }) => notice);
    const delivery_id = deliveryIdOf(receiver_id, first.notice);
    await this.ledger.record({
      type: 'PrepareDelivery',
      data: { delivery_id, receiver_id, notices },
    });
  }

  private begin(due: Due): void {
    const { receiver_id, delivery_id } = due;
    if (this.underWay.has(receiver_id) || this.underWay.size >= RECEIVERS_AT_ONCE_MAX) return;
    // It may have been sent: who could not record that sends it again, and not each second.
    if (this.pauses.lasts(delivery_id, this.clock.now())) return;
    const sending = this.send(due)
      .then(() => this.pauses.end(delivery_id))
      .catch((err: unknown) => {
        this.pauses.begin(delivery_id, this.clock.now());
        this.logger.warn({ err, receiver_id, delivery_id }, 'a webhook has to be sent again');
      })
      .finally(() => this.underWay.delete(receiver_id));
    this.underWay.set(receiver_id, sending);
  }

  private async send(due: Due): Promise<void> {
    const { delivery_id, receiver_id, settings, attempts } = due;
    const attempt = attempts + 1;
    const failed = (reason: string, is_final: boolean) =>
      this.ledger.record({
        type: 'RecordFailure',
        data: { delivery_id, attempt, reason, is_final },
      });
    if (!settings) return failed('the receiver was removed', true);
    if (!settings.is_enabled) return failed('the receiver was turned off', true);
    const notices = await this.ledger.noticesOf(due);
    const body = webhookBody(delivery_id, receiver_id, notices, this.linkBase);
    const became = await this.webhooks.send(settings, delivery_id, body);
    if (!became.isDelivered) return failed(became.reason, became.isFinal);
    const { status } = became;
    await this.ledger.record({ type: 'RecordDelivery', data: { delivery_id, status } });
    this.hurry();
  }
}

/** By receiver, in parts that may go together. */
function groupsOf(owed: readonly OwedRow[]): readonly (readonly OwedRow[])[] {
  const byReceiver = new Map<string, OwedRow[]>();
  for (const row of owed) {
    const rows = byReceiver.get(row.receiver_id) ?? [];
    if (rows.length < NOTICES_MAX) rows.push(row);
    byReceiver.set(row.receiver_id, rows);
  }
  return [...byReceiver.values()];
}
