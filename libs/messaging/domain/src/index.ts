export * from './dead-letter';
export * from './subscription';
export * from './queues/delayed-message';
export * from './queues/message-flow';
export * from './queues/queue';
export * from './queues/queue-rules';
