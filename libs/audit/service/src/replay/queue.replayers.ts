import {
  delayedMessage,
  messageFlow,
  queueDeclaration,
  type DelayedCommand,
  type DelayedEvent,
  type FlowEvent,
  type QueueCommand,
  type QueueEvent,
  type RecordFlow,
} from '@downbeat/messaging-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

const context = 'messaging';

export const queueReplayer: Replayer = {
  context,
  begin: () => new DeciderReplay(queueDeclaration, ([event]) => event && declarationOf(event)),
};

function declarationOf({ type, data }: QueueEvent): QueueCommand {
  const { at, ...said } = data;
  switch (type) {
    case 'QueueCreated':
      return { type: 'CreateQueue', data: said as never, at };
    case 'QueueChanged':
      return { type: 'ChangeQueue', data: said as never, at };
    case 'QueueRemoved':
      return { type: 'RemoveQueue', data: said as never, at };
  }
}

export const delayedMessageReplayer: Replayer = {
  context,
  begin: () => new DeciderReplay(delayedMessage, ([event]) => event && delayOf(event)),
};

function delayOf({ type, data }: DelayedEvent): DelayedCommand {
  const { at, ...said } = data;
  switch (type) {
    case 'MessageDelayed':
      return { type: 'DelayMessage', data: said as never, at };
    case 'DelayedMessageCancelled':
      return { type: 'CancelDelayed', data: said as never, at };
    case 'DelayedMessageReleased':
      return { type: 'ReleaseDelayed', data: { delayed_id: data.delayed_id }, at };
  }
}

/** What was seen is not derived from anything: a batch is kept once, and that is all its rule says. */
export const messageFlowReplayer: Replayer = {
  context,
  begin: () => new DeciderReplay(messageFlow, ([event]) => event && recordOf(event)),
};

const recordOf = (event: FlowEvent): RecordFlow => ({
  type: 'RecordFlow',
  data: { event },
  at: event.data.at,
});
