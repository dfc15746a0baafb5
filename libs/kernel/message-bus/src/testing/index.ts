export { MemoryDeadLetters } from './memory-dead-letters';
export { MemoryMessageBus, type MemoryMessageBusOptions } from './memory-message-bus';
export { removeStreams } from './remove-streams';
export * from './own-nats-server';
