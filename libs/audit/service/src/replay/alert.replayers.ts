import { epochMs } from '@downbeat/eventsourcing';
import {
  alert,
  alertDelivery,
  alertReceiver,
  alertRule,
  silence,
  type AlertCommand,
  type AlertEvent,
  type AlertRuleCommand,
  type AlertRuleEvent,
  type DeliveryCommand,
  type DeliveryEvent,
  type ReceiverCommand,
  type ReceiverEvent,
  type SilenceCommand,
  type SilenceEvent,
} from '@downbeat/observability-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

const context = 'observability';

export const alertReplayer: Replayer = {
  context,
  begin: () => new DeciderReplay(alert, ([event]) => event && causeOf(event)),
};

function causeOf({ type, data }: AlertEvent): AlertCommand {
  const { at, episode, ...said } = data;
  switch (type) {
    case 'AlertFired':
      return { type: 'RaiseAlert', data: said as typeof data, at };
    case 'AlertSilenced':
      return { type: 'RaiseAlert', data: { ...(said as typeof data), receivers: [] }, at };
    case 'AlertAcknowledged':
      return { type: 'AcknowledgeAlert', data: { ...said, episode }, at };
    case 'AlertResolved':
      return { type: 'SettleAlert', data: said as typeof data, at };
  }
}

export const alertRuleReplayer: Replayer = {
  context,
  begin: () => new DeciderReplay(alertRule, ([event]) => event && ruleCause(event)),
};

/** Which version somebody expected is not recorded: it was the right one, or nothing would be. */
function ruleCause({ type, data }: AlertRuleEvent): AlertRuleCommand {
  const { rule_id, at } = data;
  switch (type) {
    case 'AlertRuleDefined':
    case 'AlertRuleChanged':
      return { type: 'PutAlertRule', data: { rule_id, definition: data.definition }, at };
    case 'AlertRuleRemoved':
      return { type: 'RemoveAlertRule', data: { rule_id }, at };
  }
}

export const silenceReplayer: Replayer = {
  context,
  begin: () => new DeciderReplay(silence, ([event]) => event && silenceCause(event)),
};

function silenceCause({ type, data }: SilenceEvent): SilenceCommand {
  const { silence_id, at } = data;
  switch (type) {
    case 'SilenceStarted': {
      const { matchers, reason, ends_at } = data;
      const minutes = (epochMs(ends_at) - epochMs(at)) / 60_000;
      return { type: 'StartSilence', data: { silence_id, matchers, reason, minutes }, at };
    }
    case 'SilenceEnded':
      return { type: 'EndSilence', data: { silence_id, reason: data.reason }, at };
  }
}

export const receiverReplayer: Replayer = {
  context,
  begin: () => new DeciderReplay(alertReceiver, ([event]) => event && receiverCause(event)),
};

function receiverCause({ type, data }: ReceiverEvent): ReceiverCommand {
  const { receiver_id, at } = data;
  switch (type) {
    case 'ReceiverSet':
      return { type: 'PutReceiver', data: { receiver_id, settings: data.settings }, at };
    case 'ReceiverRemoved':
      return { type: 'RemoveReceiver', data: { receiver_id }, at };
    case 'ReceiverTested':
      return { type: 'RecordTest', data: { receiver_id, outcome: data.outcome }, at };
  }
}

export const deliveryReplayer: Replayer = {
  context,
  begin: () => new DeciderReplay(alertDelivery, ([event]) => event && deliveryCause(event)),
};

function deliveryCause({ type, data }: DeliveryEvent): DeliveryCommand {
  const { delivery_id, at } = data;
  switch (type) {
    case 'WebhookPrepared': {
      const { receiver_id, notices } = data;
      return { type: 'PrepareDelivery', data: { delivery_id, receiver_id, notices }, at };
    }
    case 'WebhookDelivered':
      return { type: 'RecordDelivery', data: { delivery_id, status: data.status }, at };
    case 'WebhookAttemptFailed': {
      const { attempt, reason } = data;
      return { type: 'RecordFailure', data: { delivery_id, attempt, reason, is_final: false }, at };
    }
    case 'WebhookFailed': {
      const { attempts: attempt, reason, is_final } = data;
      return { type: 'RecordFailure', data: { delivery_id, attempt, reason, is_final }, at };
    }
  }
}
