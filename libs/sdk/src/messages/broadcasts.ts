import { messagingContract, parseUntrustedJson, validate } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import type { z } from 'zod';
import { NatsUnavailable, type NatsLink, type NatsMessage } from '../nats/nats-link';
import { MessageNotPublished } from './errors';
import { HEADER, read } from './headers';
import type { MessageEvent } from './events';
import { outgoing, type Enclosed } from './outgoing';
import type { MessageInfo, Topic } from './topic';

/** What came along with a broadcast. */
export type BroadcastInfo = Pick<
  MessageInfo,
  'id' | 'topic' | 'from' | 'correlationId' | 'traceparent' | 'headers'
>;
export type HearBroadcast<Message> = (
  message: Message,
  info: BroadcastInfo,
) => Promise<void> | void;

export interface BroadcastsPorts {
  readonly link: NatsLink;
  readonly sender: string;
  readonly tell: (event: MessageEvent) => void;
  readonly onDefect: (where: string, defect: unknown) => void;
}

/** Of one listener, under way at once. What comes beyond that is not heard: it is kept nowhere. */
const UNDER_WAY_MAX = 1_000;

/** Said to every instance that listens at that moment, the sender's own too; kept nowhere, repeated never. */
export class Broadcasts {
  constructor(private readonly ports: BroadcastsPorts) {}

  /** @throws {MessageNotPublished} There is no connection. Who heard it is not known. */
  send(topic: Topic, message: unknown, enclosed: Enclosed): void {
    const { link, sender } = this.ports;
    const { body, headers } = outgoing(topic, message, enclosed, sender, link.payloadMax);
    try {
      link.publish(messagingContract.broadcastSubject(topic.name), body, headers);
    } catch (fault) {
      if (!(fault instanceof NatsUnavailable)) throw fault;
      throw new MessageNotPublished(topic.name, 'not-sent', fault.message, { cause: fault });
    }
  }

  /** Returns what ends it. */
  hear<Schema extends z.ZodType>(
    topic: Topic<Schema>,
    listen: HearBroadcast<z.output<Schema>>,
  ): () => void {
    let underWay = 0;
    let isTooMuch = false;
    const hear = (message: NatsMessage): void => {
      const wasTooMuch = isTooMuch;
      isTooMuch = underWay >= UNDER_WAY_MAX;
      if (isTooMuch) {
        if (!wasTooMuch) this.ports.tell({ type: 'broadcasts-missed', topic: topic.name });
        return;
      }
      underWay++;
      void this.heard(topic, message, listen).finally(() => underWay--);
    };
    return this.ports.link.subscribe(messagingContract.broadcastSubject(topic.name), hear);
  }

  /** Never throws: nobody could be told, and the next broadcast is another one. */
  private async heard<Schema extends z.ZodType>(
    topic: Topic<Schema>,
    { body, headers }: NatsMessage,
    listen: HearBroadcast<z.output<Schema>>,
  ): Promise<void> {
    try {
      const json = parseUntrustedJson(body);
      const message = json instanceof Rejection ? json : validate(topic.schema, json.value);
      if (message instanceof Rejection) {
        const reason = message.message;
        this.ports.tell({ type: 'broadcast-not-understood', topic: topic.name, reason });
        return;
      }
      await listen(message.value, infoOf(topic.name, headers));
    } catch (defect) {
      // The listener's, or what the schema itself throws of something that nobody foresaw.
      this.ports.onDefect(`broadcast ${topic.name}`, defect);
    }
  }
}

const infoOf = (topic: string, headers: Readonly<Record<string, string>>): BroadcastInfo => ({
  id: headers[read('messageId')] ?? '',
  topic,
  from: headers[read('sender')],
  correlationId: headers[read('correlationId')],
  traceparent: headers[HEADER.traceparent],
  headers,
});
