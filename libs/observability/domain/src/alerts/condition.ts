import type { AlertCondition, AlertSeverity } from './words';
import type { AlertRule } from './alert-rule';
import { growthOf, isCovered, type History } from './growth';
import type { Sample } from './sample';

/** A sample as a rule sees it. */
export interface Judged {
  readonly sample: Sample;
  /** Its value, or how much it grew. */
  readonly value: number;
  readonly isMet: boolean;
  /** Not when more growth than was seen would say the contrary. */
  readonly isSure: boolean;
  readonly severity: AlertSeverity;
  readonly reason: string;
}

/** Whether the rule is about it at all. */
export function isAbout(
  { metric, service_name, subject }: AlertCondition,
  sample: Sample,
): boolean {
  return (
    metric === sample.metric &&
    (service_name === undefined || service_name === sample.service_name) &&
    (subject === undefined || subject === sample.subject)
  );
}

export function judge(rule: AlertRule, sample: Sample, history: History, nowMs: number): Judged {
  const { condition } = rule;
  const { growth_over_seconds: seconds } = condition;
  const value =
    seconds === undefined ? sample.value : growthOf(history, sample, seconds * 1_000, nowMs);
  const isHeld = isMet(condition, value);
  const isAll = seconds === undefined || isCovered(history, sample, seconds * 1_000, nowMs);
  return {
    sample,
    value,
    isMet: isHeld,
    isSure: isAll || isHeld === isOfMuch(condition),
    severity: severityOf(rule, value),
    reason: reasonOf(condition, sample, value),
  };
}

function isMet({ comparison, threshold }: AlertCondition, value: number): boolean {
  switch (comparison) {
    case 'above':
      return value > threshold;
    case 'at_least':
      return value >= threshold;
    case 'below':
      return value < threshold;
    case 'at_most':
      return value <= threshold;
  }
}

/** More of the value never ends what holds. */
const isOfMuch = ({ comparison }: AlertCondition): boolean =>
  comparison === 'above' || comparison === 'at_least';

function severityOf({ severity, severity_steps = [] }: AlertRule, value: number): AlertSeverity {
  const reached = severity_steps.filter(({ at_least }) => value >= at_least);
  const highest = reached.toSorted((one, other) => one.at_least - other.at_least).at(-1);
  return highest?.severity ?? severity;
}

const SAID: Readonly<Record<AlertCondition['comparison'], string>> = {
  above: 'above',
  at_least: 'at least',
  below: 'below',
  at_most: 'at most',
};

function reasonOf(condition: AlertCondition, { subject, detail }: Sample, value: number): string {
  const { metric, comparison, threshold, growth_over_seconds: seconds } = condition;
  const is = seconds === undefined ? 'is' : `grew within ${seconds} s by`;
  const said = `${metric} of ${subject} ${is} ${rounded(value)} (${SAID[comparison]} ${threshold})`;
  return detail === undefined ? said : `${said}: ${detail}`;
}

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;
