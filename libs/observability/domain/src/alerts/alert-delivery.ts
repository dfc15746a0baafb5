import {
  epochMs,
  instantOf,
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';

/** One beginning or end of an alert: `<alert>:<episode>:fired`. */
export type NoticeKey = string;
export type NoticeKind = 'fired' | 'resolved';
export const noticeKey = (alertId: string, episode: number, kind: NoticeKind): NoticeKey =>
  `${alertId}:${episode}:${kind}`;

/** Sent together at most. */
export const NOTICES_MAX = 50;

interface Named {
  readonly delivery_id: string;
}
export type DeliveryCommand =
  | Command<
      'PrepareDelivery',
      Named & { readonly receiver_id: string; readonly notices: readonly NoticeKey[] }
    >
  | Command<'RecordDelivery', Named & { readonly status: number }>
  /** @param is_final No further attempt could end otherwise. */
  | Command<
      'RecordFailure',
      Named & { readonly attempt: number; readonly reason: string; readonly is_final: boolean }
    >;

interface Happened extends Named {
  readonly at: Instant;
}
/** What goes out under this id, however often it is tried: told before it is sent for the first time. */
export type WebhookPrepared = Message<
  'WebhookPrepared',
  Happened & { readonly receiver_id: string; readonly notices: readonly NoticeKey[] }
>;
export type WebhookAttemptFailed = Message<
  'WebhookAttemptFailed',
  Happened & { readonly attempt: number; readonly reason: string; readonly retry_at: Instant }
>;
export type WebhookDelivered = Message<
  'WebhookDelivered',
  Happened & {
    readonly receiver_id: string;
    readonly notices: readonly NoticeKey[];
    readonly attempts: number;
    readonly status: number;
  }
>;
/** It was given up. */
export type WebhookFailed = Message<
  'WebhookFailed',
  Happened & {
    readonly receiver_id: string;
    readonly notices: readonly NoticeKey[];
    readonly attempts: number;
    readonly reason: string;
    readonly is_final: boolean;
  }
>;
export type DeliveryEvent =
  WebhookPrepared | WebhookAttemptFailed | WebhookDelivered | WebhookFailed;

export interface DeliveryState {
  readonly status: 'none' | 'prepared' | 'ended';
  readonly receiver_id: string;
  readonly notices: readonly NoticeKey[];
  readonly attempts: number;
}

export const deliveryStream = (id: string): StreamName => streamName('alert-delivery', id);

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** Before each further attempt: 51 minutes together. */
const PAUSES_MS = [1, 5, 15].map((seconds) => seconds * SECOND);
const LONG_PAUSES_MS = [1, 5, 15, 30].map((minutes) => minutes * MINUTE);
const ALL_PAUSES_MS = [...PAUSES_MS, ...LONG_PAUSES_MS];
export const ATTEMPTS_MAX = ALL_PAUSES_MS.length + 1;

/** A webhook on its way to one receiver. It ends in one of two ways, and both are facts. */
export const alertDelivery: Decider<DeliveryState, DeliveryCommand, DeliveryEvent> = {
  initialState: { status: 'none', receiver_id: '', notices: [], attempts: 0 },

  decide(command, { status, receiver_id, notices, attempts }) {
    const { at } = command;
    const { delivery_id } = command.data;
    if (command.type === 'PrepareDelivery') {
      if (status !== 'none') return [];
      return [{ type: 'WebhookPrepared', data: { ...command.data, at } }];
    }
    if (status === 'none')
      return new Rejection('alert-delivery-unknown', `there is no ${delivery_id}`, 'not-found');
    if (status === 'ended') return [];
    const ended = { delivery_id, receiver_id, notices, attempts: attempts + 1, at };
    switch (command.type) {
      case 'RecordDelivery':
        return [{ type: 'WebhookDelivered', data: { ...ended, status: command.data.status } }];
      case 'RecordFailure': {
        const { attempt, reason, is_final } = command.data;
        // Another replica has said what became of this attempt.
        if (attempt !== attempts + 1) return [];
        const pauseMs = ALL_PAUSES_MS[attempts];
        if (is_final || pauseMs === undefined)
          return [{ type: 'WebhookFailed', data: { ...ended, reason, is_final } }];
        const retry_at = instantOf(epochMs(at) + pauseMs);
        return [
          { type: 'WebhookAttemptFailed', data: { delivery_id, attempt, reason, retry_at, at } },
        ];
      }
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'WebhookPrepared': {
        const { receiver_id, notices } = event.data;
        return { status: 'prepared', receiver_id, notices, attempts: 0 };
      }
      case 'WebhookAttemptFailed':
        return { ...state, attempts: event.data.attempt };
      case 'WebhookDelivered':
      case 'WebhookFailed':
        return { ...state, status: 'ended', attempts: event.data.attempts };
    }
  },
};
