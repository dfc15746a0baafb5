import type { DataOf, observabilityContract } from '@downbeat/contracts';

export type AlertMetric = observabilityContract.AlertMetric;
export type AlertSeverity = observabilityContract.AlertSeverity;
export type AlertCondition = observabilityContract.AlertCondition;

/** What a rule says. */
export type AlertRuleDefinition = Omit<
  DataOf<typeof observabilityContract.putAlertRule>,
  'rule_id' | 'expected_version'
>;
