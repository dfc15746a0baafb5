import { bulkOperation, type BulkCommand, type BulkEvent } from '@downbeat/saga-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

export const bulkReplayer: Replayer = {
  context: 'saga',
  begin: () => new DeciderReplay(bulkOperation, ([event]) => event && causeOf(event)),
};

function causeOf({ type, data }: BulkEvent): BulkCommand | undefined {
  const { bulk_id, at } = data;
  switch (type) {
    case 'BulkOperationStarted': {
      const { request, workflow_ids } = data;
      return { type: 'StartBulkOperation', data: { ...request, workflow_ids }, at };
    }
    case 'BulkRunsAnswered': {
      const { from, answers } = data;
      return { type: 'RecordAnswers', data: { bulk_id, from, answers }, at };
    }
    case 'BulkOperationAborted':
      return { type: 'AbortBulkOperation', data: { bulk_id, reason: data.reason }, at };
    case 'BulkOperationForgotten':
      return { type: 'ForgetBulkOperation', data: { bulk_id }, at };
    // Follows the last answers, in one append with them.
    case 'BulkOperationCompleted':
      return undefined;
  }
}
