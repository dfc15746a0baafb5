import {
  deadLetterHandling,
  type DeadLetterCommand,
  type DeadLetterEvent,
  type Handling,
} from '@downbeat/messaging-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

export const deadLetterReplayer: Replayer = {
  context: 'messaging',
  begin: () =>
    new DeciderReplay(
      deadLetterHandling,
      (events, before) => events[0] && causeOf(events[0], events.length, before),
    ),
};

/** The letter was in quarantine then, or it could not have been decided about. */
function causeOf(
  { type, data }: DeadLetterEvent,
  count: number,
  before: Handling,
): DeadLetterCommand {
  const { dead_letter_id, at } = data;
  const letter = { status: 'quarantined', redrives: before.redrives } as const;
  switch (type) {
    case 'DeadLetterQuarantined': {
      const { at: _, ...facts } = data;
      return { type: 'RecordQuarantine', data: facts, at };
    }
    case 'DeadLetterHandled': {
      const end = { outcome: 'handled' } as const;
      return {
        type: 'RecordRedriveEnd',
        data: { dead_letter_id, redrive: data.redrive, end },
        at,
      };
    }
    case 'DeadLetterReturned': {
      const { redrive, reason, cause, attempts } = data;
      const end = { outcome: 'failed', reason, cause, attempts } as const;
      return { type: 'RecordRedriveEnd', data: { dead_letter_id, redrive, end }, at };
    }
    case 'DeadLetterRedriven': {
      const { consumer, subject, reason, operation_id } = data;
      const why = reason === undefined ? {} : { reason };
      const asked = operation_id === undefined ? {} : { operation_id };
      return {
        type: 'RedriveDeadLetter',
        data: { dead_letter_id, ...why, ...asked },
        ...{ at, letter: { ...letter, consumer, subject } },
      };
    }
    case 'DeadLetterDiscarded': {
      const { consumer, subject, reason, operation_id } = data;
      const asked = operation_id === undefined ? {} : { operation_id };
      const told = { dead_letter_id, reason, ...asked };
      const about = { at, letter: { ...letter, consumer, subject } };
      // One that is purged before it is resolved is discarded with it, in one append.
      return count > 1
        ? { type: 'PurgeDeadLetter', data: { ...told, include_unresolved: true }, ...about }
        : { type: 'DiscardDeadLetter', data: told, ...about };
    }
    case 'DeadLetterPurged': {
      const { reason, operation_id } = data;
      const asked = operation_id === undefined ? {} : { operation_id };
      const status = before.status === 'discarded' ? 'discarded' : 'redriven';
      const about = { ...letter, status, consumer: '', subject: '' } as const;
      return {
        type: 'PurgeDeadLetter',
        data: { dead_letter_id, reason, ...asked },
        ...{ at, letter: about },
      };
    }
    case 'DeadLetterEdited': {
      const { revision, content, subject, body_bytes, reason, is_forced } = data;
      const fault = { field: 'body', message: 'breaks the schema' };
      return {
        type: 'EditDeadLetter',
        data: {
          ...{ dead_letter_id, expected_revision: revision - 1, reason },
          ...(is_forced ? { force: true } : { force: undefined }),
        },
        at,
        letter: { ...letter, consumer: '', subject },
        written: { content, subject, body_bytes, faults: is_forced ? [fault] : [] },
      };
    }
  }
}
