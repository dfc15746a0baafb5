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
    new DeciderReplay(deadLetterHandling, ([event], before) => event && causeOf(event, before)),
};

/** The letter was in quarantine then, or it could not have been decided about. */
function causeOf({ type, data }: DeadLetterEvent, before: Handling): DeadLetterCommand {
  const { dead_letter_id, consumer, subject, reason, at } = data;
  const redrives = before.status === 'redriven' ? before.redrives : 0;
  const letter = { status: 'quarantined', redrives, consumer, subject } as const;
  switch (type) {
    case 'DeadLetterRedriven': {
      const why = reason === undefined ? {} : { reason };
      return { type: 'RedriveDeadLetter', data: { dead_letter_id, ...why }, at, letter };
    }
    case 'DeadLetterDiscarded':
      return {
        type: 'DiscardDeadLetter',
        data: { dead_letter_id, reason: reason ?? '' },
        at,
        letter,
      };
  }
}
