import type { CommandOutcome } from './command-outcome';

/** What should become of a delivery. Handlers say it; only the bus acks, naks or quarantines. */
export type Settlement =
  | { readonly outcome: 'done'; readonly answer?: CommandOutcome }
  | { readonly outcome: 'retry'; readonly delayMs?: number; readonly reason: string }
  | { readonly outcome: 'dead-letter'; readonly reason: string; readonly answer?: CommandOutcome };

/** Handled; `answer` goes to whoever asked, if anyone waits. */
export const done = (answer?: CommandOutcome): Settlement =>
  answer === undefined ? { outcome: 'done' } : { outcome: 'done', answer };

/** Try again, after the subscription's own back-off, but not before `delayMs`. */
export const retry = (reason: string, delayMs?: number): Settlement =>
  delayMs === undefined ? { outcome: 'retry', reason } : { outcome: 'retry', reason, delayMs };

/** Give up on it for good; the reason names the field where a field is wrong. */
export const deadLetter = (reason: string, answer?: CommandOutcome): Settlement =>
  answer === undefined
    ? { outcome: 'dead-letter', reason }
    : { outcome: 'dead-letter', reason, answer };
