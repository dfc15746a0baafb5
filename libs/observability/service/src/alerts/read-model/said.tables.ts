import type { Instant, RecordedEvent } from '@downbeat/eventsourcing';
import {
  silence,
  type AlertRuleDefinition,
  type AlertRuleEvent,
  type Matchers,
  type ReceiverEvent,
  type ReceiverSettings,
  type SilenceEvent,
  type TestOutcome,
} from '@downbeat/observability-domain';
import type { Table } from '@downbeat/projections';

/** A rule that somebody said something of; without a definition once it was removed. */
export interface RuleRow {
  readonly [column: string]: unknown;
  readonly rule_id: string;
  readonly definition: AlertRuleDefinition | null;
  readonly version: number;
  readonly changed_at: Instant;
  readonly changed_by: string;
}

const ruleSaid = (
  row: RuleRow | undefined,
  { data, meta }: RecordedEvent<AlertRuleEvent>,
  definition: AlertRuleDefinition | null,
): RuleRow => ({
  rule_id: data.rule_id,
  definition,
  version: (row?.version ?? 0) + 1,
  changed_at: data.at,
  changed_by: meta.actor,
});
const ofRule = ({ data }: { readonly data: { readonly rule_id: string } }) => [data.rule_id];

export const ruleTable: Table<RuleRow, AlertRuleEvent> = {
  name: 'alert_rule',
  key: 'rule_id',
  columns: {
    rule_id: 'text',
    definition: 'json?',
    version: 'bigint',
    changed_at: 'instant',
    changed_by: 'text',
  },
  on: {
    AlertRuleDefined: {
      keys: ofRule,
      fold: (row, event) => ruleSaid(row, event, event.data.definition),
    },
    AlertRuleChanged: {
      keys: ofRule,
      fold: (row, event) => ruleSaid(row, event, event.data.definition),
    },
    AlertRuleRemoved: { keys: ofRule, fold: (row, event) => ruleSaid(row, event, null) },
  },
};

export interface SilenceRow {
  readonly [column: string]: unknown;
  readonly silence_id: string;
  readonly matchers: Matchers;
  readonly reason: string;
  readonly started_at: Instant;
  readonly started_by: string;
  readonly ends_at: Instant;
  readonly is_ended: boolean;
  /** Its place in a list, what ends last at the end. */
  readonly place: string;
}

const ofSilence = ({ data }: { readonly data: { readonly silence_id: string } }) => [
  data.silence_id,
];

export const silenceTable: Table<SilenceRow, SilenceEvent> = {
  name: 'alert_silence',
  key: 'silence_id',
  columns: {
    silence_id: 'text',
    matchers: 'json',
    reason: 'text',
    started_at: 'instant',
    started_by: 'text',
    ends_at: 'instant',
    is_ended: 'boolean',
    place: 'text',
  },
  indexes: [['place'], ['ends_at']],
  on: {
    SilenceStarted: {
      keys: ofSilence,
      fold: (_, { data: { silence_id, matchers, reason, at, ends_at }, meta }) => ({
        silence_id,
        matchers,
        reason,
        started_at: at,
        started_by: meta.actor,
        ends_at,
        is_ended: false,
        place: `${ends_at} ${silence_id}`,
      }),
    },
    SilenceEnded: {
      keys: ofSilence,
      fold: (row, { data: { silence_id, at } }) => {
        if (!row) return undefined;
        const { endsAt } = silence.evolve(
          { matchers: row.matchers, endsAt: row.ends_at },
          { type: 'SilenceEnded', data: { silence_id, at } },
        );
        return { ...row, ends_at: endsAt, is_ended: true, place: `${endsAt} ${silence_id}` };
      },
    },
  },
};

export interface ReceiverRow {
  readonly [column: string]: unknown;
  readonly receiver_id: string;
  readonly settings: ReceiverSettings | null;
  readonly version: number;
  readonly changed_at: Instant;
  readonly changed_by: string;
  readonly last_test: (TestOutcome & { readonly at: Instant }) | null;
}

const ofReceiver = ({ data }: { readonly data: { readonly receiver_id: string } }) => [
  data.receiver_id,
];

export const receiverTable: Table<ReceiverRow, ReceiverEvent> = {
  name: 'alert_receiver',
  key: 'receiver_id',
  columns: {
    receiver_id: 'text',
    settings: 'json?',
    version: 'bigint',
    changed_at: 'instant',
    changed_by: 'text',
    last_test: 'json?',
  },
  on: {
    ReceiverSet: {
      keys: ofReceiver,
      fold: (row, { data: { receiver_id, settings, at }, meta }) => ({
        receiver_id,
        settings,
        version: (row?.version ?? 0) + 1,
        changed_at: at,
        changed_by: meta.actor,
        last_test: row?.last_test ?? null,
      }),
    },
    ReceiverRemoved: {
      keys: ofReceiver,
      fold: (row, { data: { at }, meta }) =>
        row && {
          ...row,
          settings: null,
          version: row.version + 1,
          changed_at: at,
          changed_by: meta.actor,
        },
    },
    ReceiverTested: {
      keys: ofReceiver,
      fold: (row, { data: { outcome, at } }) => row && { ...row, last_test: { ...outcome, at } },
    },
  },
};
