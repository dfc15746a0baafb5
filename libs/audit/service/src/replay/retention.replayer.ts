import { retentionPolicy, type RetentionCommand, type RetentionEvent } from '@downbeat/saga-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

export const retentionReplayer: Replayer = {
  context: 'saga',
  begin: () => new DeciderReplay(retentionPolicy, ([event]) => event && causeOf(event)),
};

function causeOf({ type, data }: RetentionEvent): RetentionCommand {
  const { workflow_name, at } = data;
  switch (type) {
    case 'RetentionPolicySet':
      return { type: 'PutRetentionPolicy', data: { workflow_name, ...data.rules }, at };
    case 'RetentionPolicyDeleted':
      return { type: 'DeleteRetentionPolicy', data: { workflow_name }, at };
  }
}
