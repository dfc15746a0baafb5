import { z } from 'zod';
import { command, query } from '../contract';
import * as f from '../fields';
import { queueCommands, queueQueries } from './queues';
import { deadLetterCommands, deadLetterQueries } from './dead-letters';
import {
  confirmRedriven,
  listSubscriptions,
  publishMessage,
  quarantineMessage,
  subscribeService,
  unsubscribeService,
} from './services';

export * from './queues';
export * from './dead-letters';
export * from './services';

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
