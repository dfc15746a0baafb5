import { createHash } from 'node:crypto';

const VARYING = /"[^"]*"|'[^']*'|[0-9a-f]{8}-[0-9a-f-]{27}|\d+/gi;

/**
 * A fingerprint of why a message was given up on: the same for all that failed in the same way at
 * the same consumer, whatever ids, numbers and quoted values their reasons hold.
 *
 * @returns 16 hexadecimal digits.
 */
export const causeOf = (consumer: string, reason: string): string =>
  createHash('sha256')
    .update(`${consumer}\n${reason.replace(VARYING, '?')}`)
    .digest('hex')
    .slice(0, 16);
