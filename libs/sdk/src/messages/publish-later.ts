import { randomUUID } from 'node:crypto';
import { messagingContract, type AnswerOf } from '@downbeat/contracts';
import type { NatsLink } from '../nats/nats-link';
import { commandSuite, type CommandIds } from '../nats/suite-requests';
import { backOffMs, pause } from '../pause';
import { MessageNotPublished } from './errors';
import { wrongSpan, type Outgoing } from './outgoing';
import type { Published, PublishOptions } from './publish-options';
import type { Topic } from './topic';

const { sendMessage } = messagingContract;
const DELAY_MS_MAX = 30 * 86_400_000;
const TIMEOUT_MS = 5_000;
const TIMEOUT_MS_MAX = 60_000;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1_000;

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
  signal: AbortSignal,
): Promise<Published> {
  const { delayMs = 0, ttlMs, priority, correlationId = id, headers, timeoutMs } = options;
  const { traceparent } = options;
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
  const ids = {
    ...{ subjectId: topic.name, commandId: randomUUID(), actor: from },
    ...(traceparent !== undefined && { traceparent }),
  };
  const said = await untilSaid(link, topic, ids, data, signal, timeoutMs);
  const { delayed_id: delayedId } = said as AnswerOf<typeof sendMessage>;
  return { messageId: id, isDuplicate: false, ...(delayedId !== undefined && { delayedId }) };
}

/** Asked again with the same id, as long as there is time. */
async function untilSaid(
  link: Pick<NatsLink, 'request'>,
  topic: Topic,
  ids: CommandIds,
  data: object,
  signal: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<unknown> {
  const until = performance.now() + Math.min(timeoutMs, TIMEOUT_MS_MAX);
  for (let tries = 1; ; tries++) {
    const leftMs = Math.max(1, Math.round(until - performance.now()));
    const outcome = await commandSuite(link, sendMessage, ids, data, leftMs);
    if (outcome.kind === 'said') return outcome.said;
    const isFinal = outcome.kind === 'refused' && !outcome.isPassing;
    const delayMs = backOffMs(tries, RETRY_FIRST_MS, RETRY_MAX_MS);
    if (isFinal) throw new MessageNotPublished(topic.name, 'not-sent', outcome.message);
    if (signal.aborted || performance.now() + delayMs >= until) {
      const why = outcome.kind === 'refused' ? outcome.message : outcome.reason;
      throw new MessageNotPublished(topic.name, 'unknown', why);
    }
    await pause(delayMs, signal);
  }
}
