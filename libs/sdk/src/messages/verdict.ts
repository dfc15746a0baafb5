import { isUtf8 } from 'node:buffer';
import { parseUntrustedJson, validate } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { Handling, type Arrival } from './arrival';
import { reasonOf } from './events';
import { MessageRefused, type HandleMessage, type SubscribeOptions, type Topic } from './topic';

/** A topic, who handles its messages, and how; with every default filled in. */
export interface Subscribed {
  readonly topic: Topic;
  readonly handle: HandleMessage<unknown>;
  readonly limits: Required<SubscribeOptions>;
}

/** What should become of a delivery. `defect`: what the handler threw that is no refusal. */
export type Verdict =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'retry'; readonly reason: string; readonly defect?: unknown }
  | { readonly outcome: 'dead-letter'; readonly reason: string; readonly defect?: unknown };

const utf8 = new TextDecoder();

/** Checks a message, has it handled, and judges how that went. Never throws. */
export async function verdictOn(arrival: Arrival, subscribed: Subscribed): Promise<Verdict> {
  const { deliveriesMax } = subscribed.limits;
  const { deliveries } = arrival;
  // It may be what ends the process each time: then only not handling it helps.
  if (deliveries > deliveriesMax) {
    const reason = `delivered ${deliveries} times without an end, at most ${deliveriesMax} allowed`;
    return { outcome: 'dead-letter', reason };
  }
  const verdict = await attempted(arrival, subscribed);
  if (verdict.outcome !== 'retry' || deliveries < deliveriesMax) return verdict;
  const reason = `gave up after ${deliveries} deliveries: ${verdict.reason}`;
  return { ...verdict, outcome: 'dead-letter', reason };
}

async function attempted(arrival: Arrival, subscribed: Subscribed): Promise<Verdict> {
  try {
    const message = messageOf(arrival, subscribed);
    if (!(message instanceof Rejection)) return await handled(arrival, message.value, subscribed);
    return { outcome: 'dead-letter', reason: reasonOf(message.message) };
  } catch (defect) {
    // The handler's, or what the schema itself throws of something that nobody foresaw.
    if (defect instanceof MessageRefused)
      return { outcome: 'dead-letter', reason: reasonOf(defect) };
    return { outcome: 'retry', reason: reasonOf(defect), defect };
  }
}

function messageOf(
  { data }: Arrival,
  { topic }: Subscribed,
): { readonly value: unknown } | Rejection {
  if (!isUtf8(data)) return new Rejection('malformed-body', 'the body is not UTF-8');
  const json = parseUntrustedJson(utf8.decode(data));
  return json instanceof Rejection ? json : validate(topic.schema, json.value);
}

async function handled(
  arrival: Arrival,
  message: unknown,
  { handle, limits: { handlerTimeoutMs } }: Subscribed,
): Promise<Verdict> {
  const handling = new Handling(arrival);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Verdict>((resolve) => {
    timer = setTimeout(() => {
      handling.timeIsOver();
      const reason = `the handler did not end within ${handlerTimeoutMs} ms`;
      resolve({ outcome: 'retry', reason });
    }, handlerTimeoutMs);
  });
  try {
    const ended = Promise.resolve(handle(message, handling)).then(() => DONE);
    return await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
  }
}

const DONE: Verdict = { outcome: 'done' };
