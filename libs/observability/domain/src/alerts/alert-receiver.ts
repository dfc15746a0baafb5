import type { DataOf, observabilityContract } from '@downbeat/contracts';
import type { AlertSeverity } from './words';
import {
  canonicalJson,
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Json,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';
import { versionConflict } from './alert-rule';

export type ReceiverSettings = Omit<
  DataOf<typeof observabilityContract.putAlertReceiver>,
  'receiver_id' | 'expected_version'
>;

interface Named {
  readonly receiver_id: string;
}
interface Guarded extends Named {
  readonly expected_version?: number | undefined;
}
/** What became of a delivery that was tried once. */
export interface TestOutcome {
  readonly delivery_id: string;
  readonly is_delivered: boolean;
  readonly status?: number;
  readonly reason: string;
}

export type ReceiverCommand =
  | Command<'PutReceiver', Guarded & { readonly settings: ReceiverSettings }>
  | Command<'RemoveReceiver', Guarded>
  | Command<'RecordTest', Named & { readonly outcome: TestOutcome }>;

export type ReceiverSet = Message<
  'ReceiverSet',
  Named & { readonly settings: ReceiverSettings; readonly at: Instant }
>;
export type ReceiverRemoved = Message<'ReceiverRemoved', Named & { readonly at: Instant }>;
export type ReceiverTested = Message<
  'ReceiverTested',
  Named & { readonly outcome: TestOutcome; readonly at: Instant }
>;
export type ReceiverEvent = ReceiverSet | ReceiverRemoved | ReceiverTested;

export interface ReceiverState {
  /** Grows when something was set or removed. */
  readonly version: number;
  readonly settings: ReceiverSettings | undefined;
}

export const receiverStream = (id: string): StreamName => streamName('alert-receiver', id);

/** An address that alerts are sent to. */
export const alertReceiver: Decider<ReceiverState, ReceiverCommand, ReceiverEvent> = {
  initialState: { version: 0, settings: undefined },

  decide(command, state) {
    const { at } = command;
    const { receiver_id } = command.data;
    if (command.type === 'RecordTest')
      return state.settings
        ? [{ type: 'ReceiverTested', data: { receiver_id, outcome: command.data.outcome, at } }]
        : unknownReceiver(receiver_id);
    const { expected_version } = command.data;
    if (expected_version !== undefined && expected_version !== state.version)
      return versionConflict('alert-receiver', receiver_id, expected_version, state.version);
    switch (command.type) {
      case 'PutReceiver': {
        const { settings } = command.data;
        if (state.settings && textOf(state.settings) === textOf(settings)) return [];
        return [{ type: 'ReceiverSet', data: { receiver_id, settings, at } }];
      }
      case 'RemoveReceiver':
        return state.settings
          ? [{ type: 'ReceiverRemoved', data: { receiver_id, at } }]
          : unknownReceiver(receiver_id);
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'ReceiverSet':
        return { version: state.version + 1, settings: event.data.settings };
      case 'ReceiverRemoved':
        return { version: state.version + 1, settings: undefined };
      case 'ReceiverTested':
        return state;
    }
  },
};

const textOf = (settings: ReceiverSettings): string => canonicalJson(settings as unknown as Json);

export const unknownReceiver = (id: string): Rejection =>
  new Rejection('alert-receiver-unknown', `there is no receiver ${id}`, 'not-found');

export interface Receiver extends ReceiverSettings {
  readonly receiver_id: string;
}

const RANK: Readonly<Record<AlertSeverity, number>> = { info: 0, warning: 1, critical: 2 };

/** Who is to be told of an alert of this rule and severity. */
export function receiversOf(
  receivers: readonly Receiver[],
  rule_id: string,
  severity: AlertSeverity,
): readonly string[] {
  return receivers
    .filter(
      ({ is_enabled, severity_min, rule_ids }) =>
        is_enabled &&
        RANK[severity] >= RANK[severity_min] &&
        (rule_ids === undefined || rule_ids.includes(rule_id)),
    )
    .map(({ receiver_id }) => receiver_id)
    .sort();
}
