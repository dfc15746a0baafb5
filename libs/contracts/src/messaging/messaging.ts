import { z } from 'zod';
import { command, query } from '../contract';
import * as f from '../fields';
import { queueCommands, queueQueries } from './queues';
import { deadLetterCommands, deadLetterQueries } from './dead-letters';
import { dryRunDeadLetter, editDeadLetter, getDeadLetterRevision } from './dead-letter-edits';
import { letterOperationCommands, letterOperationQueries } from './dead-letter-operations';
import {
  discardDeadLetter,
  getDeadLetter,
  listDeadLetters,
  purgeDeadLetter,
  redriveDeadLetter,
} from './dead-letters';
import {
  confirmRedriven,
  listSubscriptions,
  publishMessage,
  quarantineMessage,
  subscribeService,
  unsubscribeService,
} from './services';

export * from './queues';
export * from './dead-letter-edits';
export * from './dead-letter-operations';
export * from './dead-letters';
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
  queries: [listDeadLetters, getDeadLetter, listSubscriptions, ...queueQueries],
  queries: [...deadLetterQueries, listSubscriptions],
  events: [],
} as const;
