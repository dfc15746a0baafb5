import {
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Decision,
  type Instant,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';

export interface DelayedFacts {
  readonly delayed_id: string;
  readonly message_id: string;
  readonly queue_name: string;
  readonly from: string;
  readonly message_type: string;
  readonly due_at: Instant;
}

export type DelayMessage = Command<'DelayMessage', DelayedFacts>;
export type CancelDelayed = Command<
  'CancelDelayed',
  { readonly delayed_id: string; readonly reason: string }
>;
export type ReleaseDelayed = Command<'ReleaseDelayed', { readonly delayed_id: string }>;
export type DelayedCommand = DelayMessage | CancelDelayed | ReleaseDelayed;

/** What stands in it is kept beside the log until it is sent. */
export type MessageDelayed = Message<'MessageDelayed', DelayedFacts & { readonly at: Instant }>;
export type DelayedMessageCancelled = Message<
  'DelayedMessageCancelled',
  { readonly delayed_id: string; readonly reason: string; readonly at: Instant }
>;
/** Decided, and sent because of that. */
export type DelayedMessageReleased = Message<
  'DelayedMessageReleased',
  { readonly delayed_id: string; readonly at: Instant }
>;
export type DelayedEvent = MessageDelayed | DelayedMessageCancelled | DelayedMessageReleased;

export type Delayed =
  | { readonly status: 'unknown' }
  | { readonly status: 'waiting' | 'cancelled' | 'released'; readonly facts: DelayedFacts };

export const delayedStream = (id: string): StreamName => streamName('delayed-message', id);

/** A message that is to be sent later: it is sent once, or cancelled before. */
export const delayedMessage: Decider<Delayed, DelayedCommand, DelayedEvent> = {
  initialState: { status: 'unknown' },

  decide(command, state) {
    switch (command.type) {
      case 'DelayMessage':
        return delay(command, state);
      case 'CancelDelayed':
        return cancel(command, state);
      case 'ReleaseDelayed':
        return release(command, state);
    }
  },

  evolve(state, event) {
    if (event.type === 'MessageDelayed') {
      const { at: _, ...facts } = event.data;
      return { status: 'waiting', facts };
    }
    if (state.status === 'unknown') return state;
    const status = event.type === 'DelayedMessageCancelled' ? 'cancelled' : 'released';
    return { ...state, status };
  },
};

function delay({ data, at }: DelayMessage, state: Delayed): Decision<DelayedEvent> {
  switch (state.status) {
    case 'unknown':
      return [{ type: 'MessageDelayed', data: { ...data, at } }];
    case 'waiting':
    case 'released':
      return [];
    case 'cancelled':
      return new Rejection(
        'message-cancelled',
        `message_id ${data.message_id} of ${data.from} was cancelled, and is never sent: choose another one`,
      );
  }
}

function cancel({ data, at }: CancelDelayed, state: Delayed): Decision<DelayedEvent> {
  switch (state.status) {
    case 'unknown':
      return unknownDelayed(data.delayed_id);
    case 'waiting':
      return [{ type: 'DelayedMessageCancelled', data: { ...data, at } }];
    case 'cancelled':
      return [];
    case 'released':
      return new Rejection('message-sent', `${data.delayed_id} has been sent already`);
  }
}

function release({ data, at }: ReleaseDelayed, state: Delayed): Decision<DelayedEvent> {
  switch (state.status) {
    case 'unknown':
      return unknownDelayed(data.delayed_id);
    case 'waiting':
      return [{ type: 'DelayedMessageReleased', data: { ...data, at } }];
    case 'cancelled':
    case 'released':
      return [];
  }
}

export const unknownDelayed = (id: string): Rejection =>
  new Rejection('delayed-message-unknown', `there is no delayed message ${id}`, 'not-found');

export const tooManyDelayed = (queue: string, max: number): Rejection =>
  new Rejection(
    'too-many-delayed',
    `${max} delayed messages wait for ${queue}, which is the most: cancel some, or wait until some are sent`,
  );
