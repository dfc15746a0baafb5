import { hash } from 'node:crypto';
import { messagingContract } from '@downbeat/contracts';
import { instantOf, type Json } from '@downbeat/eventsourcing';
import { cloudEventHeaders, HEADER, type ServiceMessage } from '@downbeat/message-bus';

/** A message that the suite sends for somebody; JSON, so that it can wait in a table. */
export interface MessageToSend {
  readonly queue_name: string;
  readonly message_id: string;
  readonly message_type: string;
  readonly payload: Json;
  readonly from: string;
  readonly priority: messagingContract.MessagePriority;
  readonly correlation_id: string;
  readonly traceparent?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** From when it is sent. */
  readonly ttl_seconds?: number;
}

export type WrittenMessage = ServiceMessage & { readonly payload: string };

/** As services write it themselves. */
export function outgoingMessage(message: MessageToSend, nowMs: number): WrittenMessage {
  const { queue_name, message_id: id, from, traceparent, ttl_seconds } = message;
  const payload = JSON.stringify(message.payload);
  const expiresAt = ttl_seconds === undefined ? undefined : instantOf(nowMs + ttl_seconds * 1_000);
  return {
    subject: messagingContract.messageSubject(message.priority, queue_name),
    // The server looks at the id alone, so it says of whom and of what it is.
    messageId: `${from}/${queue_name}/${id} ${hash('sha256', payload, 'base64url')}`,
    headers: {
      ...message.headers,
      [HEADER.originalId]: id,
      [HEADER.correlationId]: message.correlation_id,
      [HEADER.actor]: from,
      ...(traceparent === undefined ? {} : { [HEADER.traceparent]: traceparent }),
      ...(expiresAt === undefined ? {} : { [HEADER.expiresAt]: expiresAt }),
      ...cloudEventHeaders({
        id,
        source: from,
        type: message.message_type,
        time: instantOf(nowMs),
      }),
    },
    payload,
  };
}

/** As the client counts it, which sends the id as a header too. */
export const bytesOf = ({ messageId, headers, payload }: WrittenMessage): number =>
  messagingContract.bytesOfMessage(payload, { ...headers, [HEADER.messageId]: messageId });
