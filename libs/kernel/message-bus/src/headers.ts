import { oneLine } from './one-line';

export const HEADER = {
  messageId: 'Nats-Msg-Id',
  /** Return Address: where the outcome of a command goes. */
  replyTo: 'Downbeat-Reply-To',
  correlationId: 'Downbeat-Correlation-Id',
  actor: 'Downbeat-Actor',
  /** On a redriven message: the dead letter it was. */
  deadLetter: 'Downbeat-Dead-Letter',
  /** The message's own id, where `Nats-Msg-Id` has another reason to be different: redriven, or scoped by subject. */
  originalId: 'Downbeat-Message-Id',
  /** After this moment nobody is given it for the first time; ISO 8601. */
  expiresAt: 'Downbeat-Expires-At',
  traceparent: 'traceparent',
  tracestate: 'tracestate',
} as const;

/** Names and values a message carries beside its body. */
export type MessageHeaders = Readonly<Record<string, string>>;

/** What CloudEvents 1.0 says about a message, sent as headers (NATS binding, binary mode). */
export interface CloudEvent {
  readonly id: string;
  /** Which part of the suite sends it: `registry`, `gateway-1`. */
  readonly source: string;
  readonly type: string;
  /** ISO 8601. */
  readonly time: string;
}

/** @see CloudEvents 1.0, NATS protocol binding, section 3.1. */
export const cloudEventHeaders = ({ id, source, type, time }: CloudEvent): MessageHeaders => ({
  'ce-specversion': '1.0',
  'ce-id': oneLine(id),
  'ce-source': oneLine(source),
  'ce-type': oneLine(type),
  'ce-time': oneLine(time),
  'content-type': 'application/json',
});

/** Headers that the server or the first sender meant for the first copy of a message only. */
const FIRST_COPY_ONLY = /^(nats-|downbeat-reply-to$)/i;

/** A dead letter's headers as they go out again. */
export const withoutFirstCopyOnly = (headers: MessageHeaders): MessageHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !FIRST_COPY_ONLY.test(name)));
