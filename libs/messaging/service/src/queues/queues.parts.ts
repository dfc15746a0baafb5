import { CancelDelayedMessage, CancelDelayedMessageHandler } from './cancel-delayed-message';
import { DelayedMessages } from './delayed-messages';
import { EndedMessages } from './ended-messages';
import { FlowRecord } from './flow-record';
import { FlowRecorder } from './flow-recorder';
import { GivenUp } from './given-up';
import {
  ChangeQueue,
  ChangeQueueHandler,
  CreateQueue,
  CreateQueueHandler,
  RemoveQueue,
  RemoveQueueHandler,
} from './queue-commands';
import { QueueGauge } from './queue-gauge';
import { QueueWork } from './queue-work';
import { Reconciler } from './reconciler';
import { SentBefore } from './sent-before';
import { SendMessage, SendMessageHandler } from './send-message';

export const queueCommandClasses = [
  CreateQueue,
  ChangeQueue,
  RemoveQueue,
  SendMessage,
  CancelDelayedMessage,
];

export const queueProviders = [
  CreateQueueHandler,
  ChangeQueueHandler,
  RemoveQueueHandler,
  SendMessageHandler,
  CancelDelayedMessageHandler,
  DelayedMessages,
  EndedMessages,
  FlowRecord,
  FlowRecorder,
  GivenUp,
  QueueGauge,
  QueueWork,
  Reconciler,
  SentBefore,
];
