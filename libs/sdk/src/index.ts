export { CallFailed, type CallOptions } from './calls/caller';
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
export { DownbeatService, type ServiceEvent, type ServiceOptions } from './service';
