import { dryRunDeadLetter, editDeadLetter, getDeadLetterRevision } from './dead-letter-edits';
import { letterOperationCommands, letterOperationQueries } from './dead-letter-operations';
import {
  discardDeadLetter,
  getDeadLetter,
  listDeadLetters,
  purgeDeadLetter,
  redriveDeadLetter,
} from './dead-letters';
import { queueCommands, queueQueries } from './queues';
import {
  confirmRedriven,
  listSubscriptions,
  publishMessage,
  quarantineMessage,
  subscribeService,
  unsubscribeService,
} from './services';

export * from './dead-letter-edits';
export * from './dead-letter-operations';
export * from './dead-letters';
export * from './message-bytes';
export * from './queues';
export * from './services';

const deadLetterCommands = [
  redriveDeadLetter,
  discardDeadLetter,
  editDeadLetter,
  purgeDeadLetter,
  ...letterOperationCommands,
] as const;
const deadLetterQueries = [
  listDeadLetters,
  getDeadLetter,
  getDeadLetterRevision,
  dryRunDeadLetter,
  ...letterOperationQueries,
] as const;

export const messaging = {
  commands: [
    ...deadLetterCommands,
    subscribeService,
    unsubscribeService,
    publishMessage,
    quarantineMessage,
    confirmRedriven,
    ...queueCommands,
  ],
  queries: [...deadLetterQueries, listSubscriptions, ...queueQueries],
  events: [],
} as const;
