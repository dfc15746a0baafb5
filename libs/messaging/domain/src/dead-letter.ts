import type { DataOf, messagingContract } from '@downbeat/contracts';
import {
  epochMs,
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Decision,
  type Instant,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';

type Status = messagingContract.DeadLetterStatus;

/** A dead letter as the quarantine knows it; what happens to it there is no event. */
export interface QuarantinedLetter {
  readonly status: Status;
  /** How often it was sent again. */
  readonly redrives: number;
  readonly consumer: string;
  readonly subject: string;
}

/** Undefined: there is no such letter. */
type About = { readonly letter: QuarantinedLetter | undefined };

export type RedriveDeadLetter = About &
  Command<'RedriveDeadLetter', DataOf<typeof messagingContract.redriveDeadLetter>>;
export type DiscardDeadLetter = About &
  Command<'DiscardDeadLetter', DataOf<typeof messagingContract.discardDeadLetter>>;
export type DeadLetterCommand = RedriveDeadLetter | DiscardDeadLetter;

/** Decided, and sent again because of that. `redrive`: 1 for the first of this letter. */
export type DeadLetterRedriven = Message<
  'DeadLetterRedriven',
  {
    readonly dead_letter_id: string;
    readonly redrive: number;
    readonly consumer: string;
    readonly subject: string;
    readonly reason?: string;
    readonly at: Instant;
  }
>;
export type DeadLetterDiscarded = Message<
  'DeadLetterDiscarded',
  {
    readonly dead_letter_id: string;
    readonly consumer: string;
    readonly subject: string;
    readonly reason: string;
    readonly at: Instant;
  }
>;
export type DeadLetterEvent = DeadLetterRedriven | DeadLetterDiscarded;

/** What operators decided about a letter. */
export type Handling =
  | { readonly status: 'untouched' }
  | { readonly status: 'redriven'; readonly redrives: number; readonly at: Instant }
  | { readonly status: 'discarded'; readonly reason: string };

/** A redrive that nobody has answered for this long can be given up. */
export const REDRIVE_PATIENCE_MS = 5 * 60_000;

/** @param id Lower case: a UUID in capitals is the same letter. */
export const deadLetterStream = (id: string): StreamName => streamName('dead-letter', id);

/** What operators do about a message that was given up on: send it again any number of times, or discard it. */
export const deadLetterHandling: Decider<Handling, DeadLetterCommand, DeadLetterEvent> = {
  initialState: { status: 'untouched' },

  decide(command, state) {
    const { letter, data } = command;
    if (!letter) return unknownDeadLetter(data.dead_letter_id);
    switch (command.type) {
      case 'RedriveDeadLetter':
        return redrive(command, letter, state);
      case 'DiscardDeadLetter':
        return discard(command, letter, state);
    }
  },

  evolve(_, event) {
    switch (event.type) {
      case 'DeadLetterRedriven':
        return { status: 'redriven', redrives: event.data.redrive, at: event.data.at };
      case 'DeadLetterDiscarded':
        return { status: 'discarded', reason: event.data.reason };
    }
  },
};

/** The decisions count before the quarantine shows them. */
function standing(letter: QuarantinedLetter, state: Handling): Status {
  if (state.status === 'discarded') return 'discarded';
  const isAhead = state.status === 'redriven' && state.redrives > letter.redrives;
  return isAhead ? 'redriving' : letter.status;
}

function redrive(
  { data, at }: RedriveDeadLetter,
  letter: QuarantinedLetter,
  state: Handling,
): Decision<DeadLetterEvent> {
  const { dead_letter_id, reason } = data;
  const { redrives, consumer, subject } = letter;
  switch (standing(letter, state)) {
    case 'quarantined': {
      const why = reason === undefined ? {} : { reason };
      const redriven = { dead_letter_id, redrive: redrives + 1, consumer, subject, ...why, at };
      return [{ type: 'DeadLetterRedriven', data: redriven }];
    }
    case 'redriving':
      return [];
    case 'redriven':
      return handled(dead_letter_id);
    case 'discarded':
      return new Rejection('dead-letter-discarded', `${dead_letter_id} was discarded`);
  }
}

function discard(
  { data, at }: DiscardDeadLetter,
  letter: QuarantinedLetter,
  state: Handling,
): Decision<DeadLetterEvent> {
  const { dead_letter_id, reason } = data;
  const { consumer, subject } = letter;
  const discarded: DeadLetterDiscarded = {
    type: 'DeadLetterDiscarded',
    data: { dead_letter_id, consumer, subject, reason, at },
  };
  switch (standing(letter, state)) {
    case 'quarantined':
      return [discarded];
    case 'redriving':
      return isPatienceOver(state, at) ? [discarded] : underWay(dead_letter_id);
    case 'redriven':
      return handled(dead_letter_id);
    case 'discarded':
      return [];
  }
}

const isPatienceOver = (state: Handling, now: Instant): boolean =>
  state.status !== 'redriven' || epochMs(now) - epochMs(state.at) > REDRIVE_PATIENCE_MS;

export const unknownDeadLetter = (id: string): Rejection =>
  new Rejection('dead-letter-unknown', `there is no dead letter ${id}`, 'not-found');

const handled = (id: string): Rejection =>
  new Rejection('dead-letter-handled', `${id} was sent again and handled`);

const underWay = (id: string): Rejection =>
  new Rejection(
    'dead-letter-redriving',
    `${id} is being sent again and may be handled any moment; discard it when it is back, or after 5 minutes without an answer`,
  );
