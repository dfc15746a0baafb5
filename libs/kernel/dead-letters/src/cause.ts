import { createHash } from 'node:crypto';

/** What differs from one message to the next though the cause is the same; the first that fits is taken. */
const VARYING = new RegExp(
  [
    // Quoted values; an apostrophe inside a word quotes nothing.
    String.raw`"[^"]*"`,
    String.raw`(?<!\w)'[^']*'(?!\w)`,
    '`[^`]*`',
    // Ids: a UUID, a long word of hexadecimal or of letters and digits.
    String.raw`\b[0-9a-f]{8}-[0-9a-f-]{27}\b`,
    String.raw`\b(?=[a-f]*\d)[0-9a-f]{8,}\b`,
    String.raw`\b(?=[a-z]*\d)[0-9a-z]{12,}\b`,
    // Times of ISO 8601, and all other numbers, signs, fractions and exponents included.
    String.raw`\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?`,
    String.raw`(?<!\w)-?\d[\d.,:]*(?:e[+-]?\d+)?`,
    String.raw`\d+`,
  ].join('|'),
  'gi',
);

/**
 * A reason without what differs between messages: what is left says the cause, and nothing of what a
 * message held, as far as its values were quoted or numbers.
 */
export const withoutValues = (reason: string): string =>
  reason
    .replace(VARYING, '?')
    // A list of values is one value.
    .replace(/\?(?:(?:, ?|\.|:)\?)+/g, '?')
    .replace(/\s+/g, ' ')
    .trim();

/**
 * A fingerprint of why a message was given up on: the same for all that failed in the same way at
 * the same consumer, whatever ids, numbers, times and quoted values their reasons hold.
 *
 * @param reason Begins with the class of the error where there is one: `invalid-input: …`.
 * @returns 16 hexadecimal digits.
 */
export const causeOf = (consumer: string, reason: string): string =>
  createHash('sha256')
    .update(`${consumer}\n${withoutValues(reason)}`)
    .digest('hex')
    .slice(0, 16);
