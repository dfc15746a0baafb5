import { ErrorCode, headers, NatsError, type MsgHdrs } from 'nats';
import { BusUnavailable, MessageTooLarge } from '../errors';
import type { MessageHeaders } from '../headers';
import { oneLine } from '../one-line';

const LINE_BREAK = /[\r\n]/;
const HEADER_NAME = /^[!-9;-~]+$/;

/** Headers for the client: values as they are but for line breaks, which NATS refuses, and names must be visible ASCII without a colon. */
export function natsHeaders(values: MessageHeaders): MsgHdrs {
  const made = headers();
  for (const [name, value] of Object.entries(values))
    if (HEADER_NAME.test(name))
      made.append(name, LINE_BREAK.test(value) ? oneLine(value, value.length) : value);
  return made;
}

/** The client's error for a message that was not sent, in the bus's words. */
export function asBusFault(fault: unknown, subject: string): unknown {
  if (!(fault instanceof NatsError)) return fault;
  switch (fault.code) {
    case ErrorCode.MaxPayloadExceeded:
      return new MessageTooLarge(subject);
    case ErrorCode.ConnectionClosed:
    case ErrorCode.ConnectionDraining:
    case ErrorCode.Disconnect:
      return new BusUnavailable(`NATS: ${fault.message}`, { cause: fault });
  }
  return fault;
}
