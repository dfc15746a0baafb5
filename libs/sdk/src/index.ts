export { CallFailed, type CallOptions, type Proxy } from './calls/caller';
export { HttpRefusal, type HttpAnswer, type HttpRequest } from './calls/http-transport';
export type { InstanceEndpoint } from './calls/instances';
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
} from './registration/options';
export { reachableAddress } from './registration/reachable-address';
export { DownbeatService, type ServiceEvent, type ServiceOptions } from './service';
