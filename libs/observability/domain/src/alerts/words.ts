import type { observabilityContract } from '@downbeat/contracts';

export type AlertMetric = observabilityContract.AlertMetric;
export type AlertSeverity = observabilityContract.AlertSeverity;
export type AlertCondition = observabilityContract.AlertCondition;
