export { dialOptions } from './dial-options';
export { InvalidNatsAddress, type NatsAddress, type NatsIdentity } from './nats-address';
