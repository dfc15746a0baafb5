import type { AnswerOf, messagingContract } from '@downbeat/contracts';
import type { Recorded } from '@downbeat/eventsourcing';
import type { DeadLetterEvent } from '@downbeat/messaging-domain';

type Entry = AnswerOf<typeof messagingContract.getDeadLetter>['history'][number];

const HISTORY_MAX = 200;

const WHAT = {
  DeadLetterQuarantined: 'quarantined',
  DeadLetterEdited: 'edited',
  DeadLetterRedriven: 'redriven',
  DeadLetterHandled: 'handled',
  DeadLetterReturned: 'failed-again',
  DeadLetterDiscarded: 'discarded',
  DeadLetterPurged: 'purged',
} as const satisfies Record<DeadLetterEvent['type'], Entry['what']>;

/** What was done about a letter, by whom and why; `events` are its stream's, the oldest first. */
export const historyOf = (events: readonly Recorded<DeadLetterEvent>[]): Entry[] =>
  events.slice(-HISTORY_MAX).map(({ type, data, meta }) => {
    const { at, reason, redrive, revision, operation_id } = data as Partial<Entry> & typeof data;
    return {
      what: WHAT[type],
      at,
      by: meta.actor,
      ...(reason === undefined ? {} : { reason }),
      ...(redrive === undefined ? {} : { redrive }),
      ...(revision === undefined ? {} : { revision }),
      ...(operation_id === undefined ? {} : { operation_id }),
    };
  });
