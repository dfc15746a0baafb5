export { InvalidNatsAddress, type NatsIdentity } from '@downbeat/nats-dial';
export {
  BALANCER_POLICY,
  BREAKER_POLICY,
  BULKHEAD_POLICY,
  CallFailure,
  CircuitBreaker,
  classifier,
  Deadline,
  GRADIENT_POLICY,
  Guard,
  HEDGE_POLICY,
  InvalidationByEvent,
  monotonicMs,
  proxyPorts,
  Refusal,
  Retried,
  Retrier,
  RETRY_BUDGET,
  RETRY_POLICY,
  RetryBudget,
  runBatch,
  TARGET_POLICY,
  TimeOuts,
  type AttemptContext,
  type Backoff,
  type BalancerPolicy,
  type BatchOptions,
  type BatchOutcome,
  type BreakerPolicy,
  type BulkheadPolicy,
  type CachePolicy,
  type GradientPolicy,
  type Guarded,
  type GuardPolicy,
  type HedgePolicy,
  type Invalidation,
  type InvalidationRules,
  type Jitter,
  type OutlierPolicy,
  type Priority,
  type RetryBudgetOptions,
  type RetryOptions,
  type RetryPolicy,
  type RetryPorts,
  type SlowStart,
  type StrategyName,
  type TargetPolicy,
  type Verdict,
} from '@downbeat/resilience';
export {
  CallFailed,
  type CallOptions,
  type Proxy,
  type ServedCall,
  type WantedCapability,
} from './calls/caller';
export {
  ConfigurationMissing,
  type Configuration,
  type ConfigurationEvent,
  type ConfigurationOptions,
  type ConfigurationStatus,
} from './configuration/configuration';
export type { LookUp } from './configuration/references';
export { secret, Secret } from './configuration/secret';
export { HttpRefusal, type HttpAnswer, type HttpRequest } from './calls/http-transport';
export type { InstanceEndpoint } from './calls/instances';
export type { BroadcastInfo, HearBroadcast } from './messages/broadcasts';
export { MessageNotPublished, MessageTooLarge } from './messages/errors';
export type { MessageEvent } from './messages/events';
export type { Enclosed } from './messages/outgoing';
export type { Published, PublishOptions } from './messages/publisher';
export {
  MessageRefused,
  topic,
  type HandleMessage,
  type MessageInfo,
  type MessagePriority,
  type SubscribeOptions,
  type Topic,
} from './messages/topic';
export { NatsUnavailable, type LinkEvent } from './nats/nats-link';
export {
  operation,
  OperationRefused,
  type CallInfo,
  type Handle,
  type Operation,
} from './operations/operation';
export {
  connectDownbeat,
  ConnectionStopped,
  RegistrationRefused,
  type DownbeatConnection,
} from './registration/connection';
export type {
  ConnectionEvent,
  ConnectionOptions,
  InstanceDescription,
  ServiceDescription,
  Stage,
} from './registration/options';
export { reachableAddress } from './registration/reachable-address';
export { DownbeatService } from './service';
export type { ServiceEvent, ServiceOptions } from './service-options';
