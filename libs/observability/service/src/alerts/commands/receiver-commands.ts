import { observabilityContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { fold, Rejection } from '@downbeat/eventsourcing';
import {
  alertReceiver,
  receiverStream,
  unknownReceiver,
  type ReceiverEvent,
  type ReceiverSettings,
  type TestOutcome,
} from '@downbeat/observability-domain';
import { ReadModels } from '@downbeat/projections';
import { carryOut, commandOf, newId, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { alertsProjection } from '../read-model/alerts.projection';
import { testBody } from '../webhooks/webhook-body';
import { Webhooks } from '../webhooks/webhooks';

export class PutAlertReceiver extends commandOf(observabilityContract.putAlertReceiver) {}
export class RemoveAlertReceiver extends commandOf(observabilityContract.removeAlertReceiver) {}
export class TestAlertReceiver extends commandOf(observabilityContract.testAlertReceiver) {}

const RECEIVERS_MAX = 100;

@CommandHandler(PutAlertReceiver)
export class PutAlertReceiverHandler implements ICommandHandler<PutAlertReceiver> {
  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
    private readonly webhooks: Webhooks,
  ) {}

  async execute({ data, at, cause }: PutAlertReceiver) {
    const { receiver_id, expected_version, ...settings } = data;
    const refusal = (await this.webhooks.refusalOf(settings)) ?? (await this.tooMany(receiver_id));
    if (refusal) return refused(refusal);
    const command = {
      type: 'PutReceiver',
      data: { receiver_id, settings, expected_version },
      at,
    } as const;
    const stream = receiverStream(receiver_id);
    return carryOut(this.store, alertReceiver, stream, command, cause, ({ version }) => ({
      receiver_id,
      version,
    }));
  }

  private async tooMany(receiverId: string): Promise<Rejection | undefined> {
    const { data } = await this.readModels.ask(alertsProjection, {}, (manager) =>
      manager.query<{ count: number }[]>(
        `select count(*)::int as count from alert_receiver
         where receiver_id <> $1 and settings is not null`,
        [receiverId],
      ),
    );
    if ((data[0]?.count ?? 0) < RECEIVERS_MAX) return undefined;
    return new Rejection(
      'too-many-alert-receivers',
      `no more than ${RECEIVERS_MAX} receivers can be kept`,
    );
  }
}

@CommandHandler(RemoveAlertReceiver)
export class RemoveAlertReceiverHandler implements ICommandHandler<RemoveAlertReceiver> {
  constructor(private readonly store: EventStore) {}

  execute({ data, at, cause }: RemoveAlertReceiver) {
    const { receiver_id } = data;
    const command = { type: 'RemoveReceiver', data, at } as const;
    const stream = receiverStream(receiver_id);
    return carryOut(this.store, alertReceiver, stream, command, cause, ({ version }) => ({
      receiver_id,
      version,
    }));
  }
}

/** Sends first and records then: what it answers is what became of it. Sent again after a crash, it is another test. */
@CommandHandler(TestAlertReceiver)
export class TestAlertReceiverHandler implements ICommandHandler<TestAlertReceiver> {
  constructor(
    private readonly store: EventStore,
    private readonly webhooks: Webhooks,
  ) {}

  async execute({ data: { receiver_id }, at, cause }: TestAlertReceiver) {
    const stream = receiverStream(receiver_id);
    const { settings } = fold(alertReceiver, await this.events(receiver_id));
    if (!settings) return refused(unknownReceiver(receiver_id));
    const outcome = await this.tested(receiver_id, settings);
    const command = { type: 'RecordTest', data: { receiver_id, outcome }, at } as const;
    return carryOut(this.store, alertReceiver, stream, command, cause, () => ({
      receiver_id,
      ...outcome,
    }));
  }

  private async events(receiverId: string): Promise<readonly ReceiverEvent[]> {
    const past = await this.store.load<ReceiverEvent>(receiverStream(receiverId));
    return past as unknown as readonly ReceiverEvent[];
  }

  private async tested(receiverId: string, settings: ReceiverSettings): Promise<TestOutcome> {
    const delivery_id = newId();
    const became = await this.webhooks.send(
      settings,
      delivery_id,
      testBody(delivery_id, receiverId),
    );
    const { status } = became;
    return {
      delivery_id,
      is_delivered: became.isDelivered,
      ...(status !== undefined && { status }),
      reason: became.isDelivered ? `HTTP ${became.status}` : became.reason,
    };
  }
}
