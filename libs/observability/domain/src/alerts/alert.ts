import type { AlertMetric, AlertSeverity } from './words';
import {
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Message,
  type Position,
  type StreamName,
} from '@downbeat/eventsourcing';

interface Named {
  readonly alert_id: string;
}

/** What an alert says, for good: whatever its rule says later. */
export interface AlertSaid extends Named {
  readonly rule_id: string;
  readonly summary: string;
  readonly severity: AlertSeverity;
  readonly metric: AlertMetric;
  readonly subject: string;
  readonly service_name?: string;
  readonly value: number;
  readonly reason: string;
  /** Since when the condition held without a break. */
  readonly since: Instant;
  /** The head of the log when that was measured. */
  readonly observed_position: Position;
  readonly view?: string;
  readonly runbook?: string;
}

export type RaiseAlert = Command<
  'RaiseAlert',
  AlertSaid & {
    /** Who is to be told when it fires. */
    readonly receivers: readonly string[];
    /** Somebody asked for silence. */
    readonly silence_id?: string;
  }
>;
export type SettleAlert = Command<
  'SettleAlert',
  Named & {
    readonly reason: string;
    readonly value?: number;
    /** Who wants to hear of ends; those are told who were told of the beginning. */
    readonly receivers: readonly string[];
  }
>;
export type AcknowledgeAlert = Command<
  'AcknowledgeAlert',
  Named & { readonly note?: string | undefined; readonly episode?: number | undefined }
>;
export type AlertCommand = RaiseAlert | SettleAlert | AcknowledgeAlert;

interface Happened {
  /** Which time it fires, or would have; 1 is the first. */
  readonly episode: number;
  readonly at: Instant;
}

export type AlertFired = Message<
  'AlertFired',
  AlertSaid & Happened & { readonly receivers: readonly string[] }
>;
/** It would have fired. */
export type AlertSilenced = Message<
  'AlertSilenced',
  AlertSaid & Happened & { readonly silence_id: string }
>;
export type AlertAcknowledged = Message<
  'AlertAcknowledged',
  Named & Happened & { readonly note?: string }
>;
export type AlertResolved = Message<
  'AlertResolved',
  Named &
    Happened & {
      readonly reason: string;
      readonly value?: number;
      /** Those who are told of it. */
      readonly receivers: readonly string[];
    }
>;
export type AlertEvent = AlertFired | AlertSilenced | AlertAcknowledged | AlertResolved;

export interface AlertState {
  readonly status: 'quiet' | 'silenced' | 'firing';
  readonly episode: number;
  readonly isAcknowledged: boolean;
  /** Who was told that it fires. */
  readonly told: readonly string[];
}

export const alertStream = (alertId: string): StreamName => streamName('alert', alertId);

/** One rule and one subject, over all times that it fires. What is measured again and again is said once. */
export const alert: Decider<AlertState, AlertCommand, AlertEvent> = {
  initialState: { status: 'quiet', episode: 0, isAcknowledged: false, told: [] },

  decide(command, state) {
    switch (command.type) {
      case 'RaiseAlert':
        return raise(command, state);
      case 'SettleAlert':
        return settle(command, state);
      case 'AcknowledgeAlert':
        return acknowledge(command, state);
    }
  },

  evolve(state, event) {
    const { episode } = event.data;
    switch (event.type) {
      case 'AlertFired':
        return {
          status: 'firing',
          episode,
          isAcknowledged: false,
          told: event.data.receivers,
        };
      case 'AlertSilenced':
        return { status: 'silenced', episode, isAcknowledged: false, told: [] };
      case 'AlertAcknowledged':
        return { ...state, isAcknowledged: true };
      case 'AlertResolved':
        return { ...state, status: 'quiet', told: [] };
    }
  },
};

function raise({ data, at }: RaiseAlert, state: AlertState): readonly AlertEvent[] {
  const { silence_id, receivers, ...said } = data;
  if (state.status === 'firing') return [];
  const isSilent = silence_id !== undefined;
  if (state.status === 'silenced' && isSilent) return [];
  const episode = state.status === 'silenced' ? state.episode : state.episode + 1;
  return isSilent
    ? [{ type: 'AlertSilenced', data: { ...said, episode, silence_id, at } }]
    : [{ type: 'AlertFired', data: { ...said, episode, receivers, at } }];
}

function settle({ data, at }: SettleAlert, state: AlertState): readonly AlertEvent[] {
  if (state.status === 'quiet') return [];
  const receivers = data.receivers.filter((one) => state.told.includes(one));
  return [{ type: 'AlertResolved', data: { ...data, episode: state.episode, receivers, at } }];
}

function acknowledge(
  { data: { alert_id, note, episode }, at }: AcknowledgeAlert,
  state: AlertState,
): readonly AlertEvent[] | Rejection {
  if (state.episode === 0)
    return new Rejection('alert-unknown', `there is no alert ${alert_id}`, 'not-found');
  if (state.status !== 'firing')
    return new Rejection('alert-not-firing', `${alert_id} does not fire now`);
  if (episode !== undefined && episode !== state.episode) {
    const message = `must be ${state.episode}: it fires for another time by now`;
    const errors = [{ field: 'episode', message }];
    return new Rejection('alert-changed', `episode ${message}`, 'conflict', errors);
  }
  if (state.isAcknowledged) return [];
  return [
    {
      type: 'AlertAcknowledged',
      data: { alert_id, episode: state.episode, at, ...(note !== undefined && { note }) },
    },
  ];
}
