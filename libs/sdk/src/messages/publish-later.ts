import { randomUUID } from 'node:crypto';
import { messagingContract, type AnswerOf } from '@downbeat/contracts';
import type { NatsLink } from '../nats/nats-link';
import { commandSuite } from '../nats/suite-requests';
import { MessageNotPublished } from './errors';
import { wrongSpan, type Outgoing } from './outgoing';
import type { Published, PublishOptions } from './publish-options';
import type { Topic } from './topic';

const { sendMessage } = messagingContract;
const DELAY_MS_MAX = 30 * 86_400_000;
const TIMEOUT_MS = 5_000;

/**
 * Has the suite send a message when its time has come. The same message id again leaves one.
 *
 * @throws {MessageNotPublished}
 */
export async function publishLater(
  link: Pick<NatsLink, 'request'>,
  topic: Topic,
  { id, body }: Outgoing,
  options: PublishOptions,
  from: string,
): Promise<Published> {
  const { delayMs = 0, ttlMs, priority, correlationId = id, headers, timeoutMs } = options;
  const wrong = wrongSpan('delayMs', delayMs, 1, DELAY_MS_MAX);
  if (wrong !== undefined) throw new MessageNotPublished(topic.name, 'not-sent', wrong);
  const data = {
    message_type: topic.name,
    message_payload: JSON.parse(body) as unknown,
    message_id: id,
    correlation_id: correlationId,
    from,
    delay_seconds: delayMs / 1_000,
    ...(ttlMs !== undefined && { ttl_seconds: ttlMs / 1_000 }),
    ...(priority !== undefined && { priority }),
    ...(headers !== undefined && { headers }),
  };
  const ids = { subjectId: topic.name, commandId: randomUUID(), actor: from };
  const outcome = await commandSuite(link, sendMessage, ids, data, timeoutMs ?? TIMEOUT_MS);
  if (outcome.kind === 'refused')
    throw new MessageNotPublished(topic.name, 'not-sent', outcome.message);
  if (outcome.kind === 'unheard')
    throw new MessageNotPublished(topic.name, 'unknown', outcome.reason);
  const { delayed_id: delayedId } = outcome.said as AnswerOf<typeof sendMessage>;
  return { messageId: id, isDuplicate: false, ...(delayedId !== undefined && { delayedId }) };
}
