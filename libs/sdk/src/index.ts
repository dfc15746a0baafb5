export {
  connectDownbeat,
  ConnectionStopped,
  RegistrationRefused,
  type DownbeatConnection,
} from './connection';
export type {
  ConnectionEvent,
  ConnectionOptions,
  InstanceDescription,
  ServiceDescription,
} from './options';
