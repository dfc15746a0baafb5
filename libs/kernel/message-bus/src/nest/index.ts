export { MessageBusStrategy, type AnswerListener } from './message-bus-strategy';
