import { utf8Bytes } from '../payload';
import { MESSAGE_BYTES_MAX } from './services';

/** What a message that is sent again as a dead letter has more than before. */
const REDRIVE_BYTES = 256;
const START = 'NATS/1.0\r\n';
const END = '\r\n';

/** Bytes of a message as it travels: its headers have a line each, between a first one and an empty one. */
export const bytesOfMessage = (
  payload: string,
  headers: Readonly<Record<string, string>>,
): number =>
  Object.entries(headers).reduce(
    (sum, [name, value]) => sum + utf8Bytes(`${name}: ${value}${END}`),
    START.length + END.length + utf8Bytes(payload),
  );

/** The suite's bound or the server's, less what a redrive adds: a dead letter can always be sent again. */
export const bytesOfMessageMax = (payloadMax = MESSAGE_BYTES_MAX): number =>
  Math.min(MESSAGE_BYTES_MAX, payloadMax) - REDRIVE_BYTES;
