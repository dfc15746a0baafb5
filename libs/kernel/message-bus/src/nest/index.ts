export { MessageBusStrategy } from './message-bus-strategy';
