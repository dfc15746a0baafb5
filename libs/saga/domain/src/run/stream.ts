import { streamName, type StreamName } from '@downbeat/eventsourcing';

export const workflowStream = (workflowId: string): StreamName =>
  streamName('workflow', workflowId);
