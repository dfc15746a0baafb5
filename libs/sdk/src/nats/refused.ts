import { messagingContract } from '@downbeat/contracts';

/** The server does not let this connection do something. */
export interface Refused {
  readonly to: 'publish' | 'subscribe';
  readonly subject: string;
  /** The topic of messages or broadcasts that cannot be sent, or not be received, because of it. */
  readonly topic?: string;
}

/** Who pulls and acknowledges publishes too; what that is for is a subscription. */
const OF_CONSUMER = /^\$JS\.(API\.CONSUMER\.MSG\.NEXT|ACK)\.message\.[^._]+_([^._]+)_[a-z]+(\.|$)/;
const OF_TOPIC = /^(?:message\.[a-z]+|broadcast)\.([^.]+)$/;

/** @param operation As the server calls it. */
export function refusedOf(operation: string, subject: string): Refused {
  const pulled = OF_CONSUMER.exec(subject)?.[2];
  const topic = pulled ?? OF_TOPIC.exec(subject)?.[1];
  const to = operation === 'publish' && pulled === undefined ? 'publish' : 'subscribe';
  const isTopic = messagingContract.topicName.safeParse(topic).success;
  return { to, subject, ...(topic !== undefined && isTopic && { topic }) };
}
