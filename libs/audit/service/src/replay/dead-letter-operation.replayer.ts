import {
  letterOperation,
  type LetterOperationCommand,
  type LetterOperationEvent,
} from '@downbeat/messaging-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

export const deadLetterOperationReplayer: Replayer = {
  context: 'messaging',
  begin: () => new DeciderReplay(letterOperation, ([event]) => event && causeOf(event)),
};

function causeOf({ type, data }: LetterOperationEvent): LetterOperationCommand | undefined {
  const { operation_id, at } = data;
  switch (type) {
    case 'DeadLetterOperationStarted': {
      const { request, dead_letter_ids } = data;
      // It had the preview's ticket, or it would not have been started.
      const found_ticket = request.ticket ?? '';
      const command = { ...request, dead_letter_ids, found_ticket };
      return { type: 'StartDeadLetterOperation', data: command, at };
    }
    case 'DeadLettersAnswered': {
      const { from, answers } = data;
      return { type: 'RecordLetterAnswers', data: { operation_id, from, answers }, at };
    }
    case 'DeadLetterOperationAborted':
      return { type: 'AbortDeadLetterOperation', data: { operation_id, reason: data.reason }, at };
    // Follows the last answers, in one append with them.
    case 'DeadLetterOperationCompleted':
      return undefined;
  }
}
