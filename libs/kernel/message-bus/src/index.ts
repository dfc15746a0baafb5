export * from './back-off';
export * from './bus-log';
export * from './bus-metrics';
export * from './command-outcome';
export * from './dead-letters';
export * from './errors';
export * from './events';
export * from './evidence';
export * from './headers';
export * from './message-bus';
export * from './message-flow';
export { oneLine, reasonOf } from './one-line';
export * from './queue-depth';
export * from './service-messages';
export * from './settlement';
export { inSpan, tellSpan, type SpanFacts } from './spans';
export {
  currentStory,
  inStory,
  newTraceparent,
  openStory,
  storyOf,
  traceIdOf,
  traceparentOf,
  type Story,
} from './tracing';
export { NatsMessageBus } from './nats/nats-message-bus';
export type { NatsMessageBusOptions } from './nats/nats-message-bus-options';
export type { StreamBounds } from './nats/streams';
