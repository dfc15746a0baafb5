import { epochMs, type Instant, type Position } from '@downbeat/eventsourcing';
import type { AlertSaid, AlertState, RaiseAlert, SettleAlert } from './alert';
import { receiversOf, type Receiver } from './alert-receiver';
import type { AlertRule } from './alert-rule';
import { silenceOf, type Silence } from './alert-silence';
import { isAbout, judge, type Judged } from './condition';
import type { History } from './growth';
import type { Measurable, Measured } from './sample';

/** A condition that holds, and does not fire yet. Not an event: who forgets it begins to wait anew. */
export interface Pending extends Omit<AlertSaid, 'observed_position'> {
  /** Of a rule that was changed since, nobody has waited. */
  readonly rule_key: string;
}

/** An alert that has not ended. */
export interface OpenAlert {
  readonly alert_id: string;
  readonly rule_id: string;
  readonly metric: AlertSaid['metric'];
  readonly subject: string;
  readonly service_name?: string;
  readonly since: Instant;
  readonly status: Exclude<AlertState['status'], 'quiet'>;
}

export interface Known {
  readonly rules: readonly AlertRule[];
  readonly receivers: readonly Receiver[];
  readonly silences: readonly Silence[];
  readonly open: readonly OpenAlert[];
  readonly pending: readonly Pending[];
}

export interface Moment {
  readonly at: Instant;
  /** Of the log. */
  readonly position: Position;
  /** One and the same for a rule and a subject, for ever. */
  readonly idOf: (ruleId: string, subject: string) => string;
}

export interface Evaluation {
  readonly commands: readonly (RaiseAlert | SettleAlert)[];
  readonly pending: readonly Pending[];
}

/** What is more than this waits for the next evaluation. */
export const COMMANDS_MAX = 500;
export const PENDING_MAX = 2_000;

/**
 * What follows from one measurement. Pure: asked again, by whomever, it leads to the same commands, of which
 * the alert takes each once. What could not be measured changes nothing.
 */
export function evaluate(
  known: Known,
  measured: Measured,
  history: History,
  moment: Moment,
): Evaluation {
  const open = new Map(known.open.map((one) => [one.alert_id, one]));
  const waited = new Map(known.pending.map((one) => [one.alert_id, one]));
  const commands: (RaiseAlert | SettleAlert)[] = [];
  const pending: Pending[] = [];
  const met = new Set<string>();
  const unsure = new Set<string>();
  for (const rule of known.rules.filter(({ is_enabled }) => is_enabled)) {
    if (!measured.metrics.has(rule.condition.metric)) {
      pending.push(...known.pending.filter((one) => isOf(one, rule)));
      continue;
    }
    for (const judged of judgedBy(rule, measured, history, moment)) {
      const alert_id = moment.idOf(rule.rule_id, judged.sample.subject);
      if (!judged.isSure) unsure.add(alert_id);
      if (!judged.isMet || !judged.isSure || met.has(alert_id)) continue;
      met.add(alert_id);
      const before = waited.get(alert_id);
      const isWaited = before !== undefined && isOf(before, rule);
      const since = open.get(alert_id)?.since ?? (isWaited ? before.since : moment.at);
      const said = saidOf(rule, judged, alert_id, since);
      if (open.get(alert_id)?.status === 'firing') continue;
      if (epochMs(moment.at) - epochMs(since) < rule.for_seconds * 1_000)
        pending.push({ ...said, rule_key: keyOf(rule) });
      else commands.push(raise(said, known, moment));
    }
    const isUnknown = (one: Pending): boolean =>
      !met.has(one.alert_id) && (unsure.has(one.alert_id) || isUncertain(measured, one));
    pending.push(...known.pending.filter((one) => isOf(one, rule) && isUnknown(one)));
  }
  const held = new Set([...met, ...unsure]);
  commands.push(...settlements(known, measured, held, moment));
  return { commands: commands.slice(0, COMMANDS_MAX), pending: pending.slice(0, PENDING_MAX) };
}

const isUncertain = (measured: Measured, of: Measurable): boolean =>
  measured.isUncertain?.(of) ?? false;

/** What a rule says of everything it is about. */
export const judgedBy = (
  rule: AlertRule,
  { samples }: Measured,
  history: History,
  { at }: Pick<Moment, 'at'>,
): readonly Judged[] =>
  samples
    .filter((sample) => isAbout(rule.condition, sample))
    .map((sample) => judge(rule, sample, history, epochMs(at)));

/** What somebody waits for must be the same as before: a changed condition is another one. */
const keyOf = ({ condition, for_seconds }: AlertRule): string =>
  JSON.stringify([
    condition.metric,
    condition.comparison,
    condition.threshold,
    condition.growth_over_seconds,
    for_seconds,
  ]);

const isOf = ({ rule_id, rule_key }: Pending, rule: AlertRule): boolean =>
  rule_id === rule.rule_id && rule_key === keyOf(rule);

function saidOf(
  { rule_id, summary, runbook }: AlertRule,
  { sample, value, severity, reason }: Judged,
  alert_id: string,
  since: Instant,
): Omit<AlertSaid, 'observed_position'> {
  const { metric, subject, service_name, view } = sample;
  return {
    alert_id,
    rule_id,
    summary,
    severity,
    metric,
    subject,
    value,
    reason,
    since,
    ...(service_name !== undefined && { service_name }),
    ...(view !== undefined && { view }),
    ...(runbook !== undefined && { runbook }),
  };
}

function raise(
  said: Omit<AlertSaid, 'observed_position'>,
  { silences, receivers }: Known,
  { at, position }: Moment,
): RaiseAlert {
  const { rule_id, severity } = said;
  const silence = silenceOf(silences, said, at);
  return {
    type: 'RaiseAlert',
    data: {
      ...said,
      observed_position: position,
      receivers: receiversOf(receivers, rule_id, severity),
      ...(silence && { silence_id: silence.silence_id }),
    },
    at,
  };
}

function settlements(
  { rules, open, receivers }: Known,
  measured: Measured,
  /** Their conditions hold, or may. */
  held: ReadonlySet<string>,
  { at }: Moment,
): readonly SettleAlert[] {
  const byId = new Map(rules.map((rule) => [rule.rule_id, rule]));
  const told = receivers
    .filter(({ is_told_of_resolved, is_enabled }) => is_told_of_resolved && is_enabled)
    .map(({ receiver_id }) => receiver_id)
    .sort();
  return open.flatMap((one): SettleAlert[] => {
    const { alert_id } = one;
    const reason = whyOver(byId.get(one.rule_id), one, measured, held.has(alert_id));
    if (reason === undefined) return [];
    return [{ type: 'SettleAlert', data: { alert_id, reason, receivers: told }, at }];
  });
}

function whyOver(
  rule: AlertRule | undefined,
  open: OpenAlert,
  measured: Measured,
  isHeld: boolean,
): string | undefined {
  if (!rule) return 'its rule was removed';
  if (!rule.is_enabled) return 'its rule was turned off';
  const { metric, subject } = open;
  if (isHeld || !measured.metrics.has(rule.condition.metric)) return undefined;
  if (rule.condition.metric !== metric) return 'its rule is about something else now';
  const sample = measured.samples.find((one) => one.metric === metric && one.subject === subject);
  if (sample && !isAbout(rule.condition, sample)) return 'its rule is not about it any more';
  if (isUncertain(measured, open)) return undefined;
  return sample
    ? `${metric} of ${subject} is ${Math.round(sample.value * 1_000) / 1_000} now`
    : `nothing is measured of ${subject} any more`;
}
