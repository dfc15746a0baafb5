import {
  epochMs,
  Rejection,
  streamName,
  type Decider,
  type Decision,
  type Instant,
  type StreamName,
} from '@downbeat/eventsourcing';
import { edit } from './dead-letter-edit';
import type {
  DeadLetterCommand,
  DeadLetterDiscarded,
  DeadLetterEvent,
  DiscardDeadLetter,
  PurgeDeadLetter,
  QuarantinedLetter,
  RecordQuarantine,
  RecordRedriveEnd,
  RedriveDeadLetter,
} from './dead-letter-messages';
import { operationOf, standing, UNTOUCHED, type Handling } from './handling';

/** A redrive that nobody has answered for this long can be given up. */
export const REDRIVE_PATIENCE_MS = 5 * 60_000;

/** @param id Lower case: a UUID in capitals is the same letter. */
export const deadLetterStream = (id: string): StreamName => streamName('dead-letter', id);

/**
 * What became of a message that was given up on. Operators edit it, send it again any number of times, or
 * discard it; what the quarantine shows beside that is recorded.
 */
export const deadLetterHandling: Decider<Handling, DeadLetterCommand, DeadLetterEvent> = {
  initialState: UNTOUCHED,

  decide(command, state) {
    if (command.type === 'RecordQuarantine') return recordQuarantine(command, state);
    if (command.type === 'RecordRedriveEnd') return recordEnd(command, state);
    const { letter, data } = command;
    if (!letter) return unknownDeadLetter(data.dead_letter_id);
    switch (command.type) {
      case 'RedriveDeadLetter':
        return redrive(command, letter, state);
      case 'DiscardDeadLetter':
        return discard(command, letter, state);
      case 'PurgeDeadLetter':
        return purge(command, letter, state);
      case 'EditDeadLetter':
        return edit(command, letter, state);
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'DeadLetterQuarantined':
        return { ...state, isRecorded: true };
      case 'DeadLetterEdited':
        return { ...state, revision: event.data.revision, content: event.data.content };
      case 'DeadLetterRedriven': {
        const { redrive: redrives, at, operation_id: operationId = null } = event.data;
        return { ...state, status: 'redriven', redrives, redrivenAt: at, operationId };
      }
      case 'DeadLetterHandled':
        return { ...state, isHandled: true };
      case 'DeadLetterReturned':
        return { ...state, returned: event.data.redrive };
      case 'DeadLetterDiscarded':
        return { ...state, status: 'discarded', reason: event.data.reason };
      case 'DeadLetterPurged':
        return { ...state, isPurged: true };
    }
  },
};

function redrive(
  { data, at }: RedriveDeadLetter,
  letter: QuarantinedLetter,
  state: Handling,
): Decision<DeadLetterEvent> {
  const { dead_letter_id, reason, operation_id } = data;
  const { redrives, consumer, subject } = letter;
  // An operation asks once, however often it is cut off, and whatever became of that.
  if (operation_id !== undefined && operation_id === state.operationId) return [];
  switch (standing(letter, state)) {
    case 'quarantined': {
      const why = reason === undefined ? {} : { reason };
      const written =
        state.content === null ? {} : { revision: state.revision, content: state.content };
      const asked = operation_id === undefined ? {} : { operation_id };
      const facts = { dead_letter_id, redrive: redrives + 1, consumer, subject };
      const redriven = { ...facts, ...why, ...asked, ...written, at };
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
  { data, at }: DiscardDeadLetter | PurgeDeadLetter,
  letter: QuarantinedLetter,
  state: Handling,
): Decision<DeadLetterEvent> {
  const { dead_letter_id, reason, operation_id } = data;
  const { consumer, subject } = letter;
  const asked = operation_id === undefined ? {} : { operation_id };
  const discarded: DeadLetterDiscarded = {
    type: 'DeadLetterDiscarded',
    data: { dead_letter_id, consumer, subject, reason, ...asked, at },
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

function purge(
  command: PurgeDeadLetter,
  letter: QuarantinedLetter,
  state: Handling,
): Decision<DeadLetterEvent> {
  const { dead_letter_id, reason, operation_id, include_unresolved } = command.data;
  if (state.isPurged) return [];
  const status = standing(letter, state);
  const isResolved = status === 'redriven' || status === 'discarded';
  if (!isResolved && include_unresolved !== true)
    return new Rejection(
      'dead-letter-unresolved',
      `${dead_letter_id} is neither handled nor discarded; what is purged can never be sent again, so include_unresolved has to say it`,
    );
  // What can never be sent again is given up with it.
  const given = isResolved ? [] : discard(command, letter, state);
  if (given instanceof Rejection) return given;
  const asked = operation_id === undefined ? {} : { operation_id };
  const data = { dead_letter_id, reason, ...asked, at: command.at };
  return [...given, { type: 'DeadLetterPurged', data }];
}

const recordQuarantine = (
  { data, at }: RecordQuarantine,
  state: Handling,
): Decision<DeadLetterEvent> =>
  state.isRecorded ? [] : [{ type: 'DeadLetterQuarantined', data: { ...data, at } }];

function recordEnd({ data, at }: RecordRedriveEnd, state: Handling): Decision<DeadLetterEvent> {
  const { dead_letter_id, redrive: number, end } = data;
  const said = { dead_letter_id, redrive: number, ...operationOf(state), at };
  if (end.outcome === 'handled')
    return state.isHandled ? [] : [{ type: 'DeadLetterHandled', data: said }];
  if (number <= state.returned || number > state.redrives) return [];
  const { reason, cause, attempts } = end;
  return [{ type: 'DeadLetterReturned', data: { ...said, reason, cause, attempts } }];
}

const isPatienceOver = ({ redrivenAt }: Handling, now: Instant): boolean =>
  redrivenAt === null || epochMs(now) - epochMs(redrivenAt) > REDRIVE_PATIENCE_MS;

export const unknownDeadLetter = (id: string): Rejection =>
  new Rejection('dead-letter-unknown', `there is no dead letter ${id}`, 'not-found');

const handled = (id: string): Rejection =>
  new Rejection('dead-letter-handled', `${id} was sent again and handled`);

const underWay = (id: string): Rejection =>
  new Rejection(
    'dead-letter-redriving',
    `${id} is being sent again and may be handled any moment; discard it when it is back, or after 5 minutes without an answer`,
  );
