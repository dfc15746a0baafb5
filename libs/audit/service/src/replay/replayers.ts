import type { AuditLog } from '@downbeat/event-store';
import type { StreamName } from '@downbeat/eventsourcing';
import {
  alertReplayer,
  alertRuleReplayer,
  deliveryReplayer,
  receiverReplayer,
  silenceReplayer,
} from './alert.replayers';
import {
  breakerDefaultsReplayer,
  breakerReplayer,
  breakerReportsReplayer,
} from './breaker.replayers';
import { bulkReplayer } from './bulk.replayer';
import { callForgettingReplayer, callReportReplayer } from './call-report.replayer';
import { checkReplayer, needsReplayer, serviceCheckReplayer } from './check.replayer';
import { configurationHolderReplayer, configurationReplayer } from './configuration.replayers';
import { deadLetterOperationReplayer } from './dead-letter-operation.replayer';
import { deadLetterReplayer } from './dead-letter.replayer';
import { definitionControlReplayer } from './definition-control.replayer';
import { delayedMessageReplayer, messageFlowReplayer, queueReplayer } from './queue.replayers';
import { dependenciesReplayer, instanceReplayer, serviceReplayer } from './registry.replayers';
import type { Replayer } from './replayer';
import { retentionReplayer } from './retention.replayer';
import { scheduleReplayer } from './schedule.replayer';
import { spanForgettingReplayer, spansReplayer } from './spans.replayer';
import { subscriptionReplayer } from './subscription.replayer';
import { targetReplayer } from './target.replayer';
import { definitionsOf, workflowDefinitionReplayer } from './workflow-definitions';
import { workflowReplayer } from './workflow.replayer';

/** By kind of stream, which is what its name begins with. */
export type Replayers = Readonly<Record<string, Replayer>>;

export const replayersOn = (log: AuditLog): Replayers => ({
  service: serviceReplayer,
  dependencies: dependenciesReplayer,
  instance: instanceReplayer,
  configuration: configurationReplayer,
  'applied-configuration': configurationHolderReplayer,
  check: checkReplayer,
  servicecheck: serviceCheckReplayer,
  needs: needsReplayer,
  breaker: breakerReplayer,
  'breaker-reports': breakerReportsReplayer,
  'breaker-defaults': breakerDefaultsReplayer,
  'dead-letter': deadLetterReplayer,
  'dead-letter-operation': deadLetterOperationReplayer,
  subscription: subscriptionReplayer,
  queue: queueReplayer,
  'delayed-message': delayedMessageReplayer,
  'message-flow': messageFlowReplayer,
  spans: spansReplayer,
  'forgotten-spans': spanForgettingReplayer,
  'call-report': callReportReplayer,
  'forgotten-calls': callForgettingReplayer,
  alert: alertReplayer,
  'alert-rule': alertRuleReplayer,
  'alert-silence': silenceReplayer,
  'alert-receiver': receiverReplayer,
  'alert-delivery': deliveryReplayer,
  target: targetReplayer,
  'definition-control': definitionControlReplayer,
  schedule: scheduleReplayer,
  bulk: bulkReplayer,
  retention: retentionReplayer,
  workflow: workflowReplayer(definitionsOf(log)),
  'workflow-definition': workflowDefinitionReplayer,
});

/** The longest kind that fits: `workflow-definition-book` is no run. */
export function replayerOf(
  replayers: Replayers,
  stream: StreamName,
  context: string,
): Replayer | undefined {
  const [kind] = Object.keys(replayers)
    .filter((one) => stream.startsWith(`${one}-`))
    .sort((a, b) => b.length - a.length);
  const replayer = kind === undefined ? undefined : replayers[kind];
  return replayer?.context === context ? replayer : undefined;
}
