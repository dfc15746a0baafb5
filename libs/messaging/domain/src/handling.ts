import type { messagingContract } from '@downbeat/contracts';
import type { Instant } from '@downbeat/eventsourcing';
import type { QuarantinedLetter } from './dead-letter-messages';

/** What was decided about a letter, and what was recorded of it. */
export interface Handling {
  /** What operators decided last. */
  readonly status: 'untouched' | 'redriven' | 'discarded';
  /** Why it was discarded. */
  readonly reason: string | null;
  /** How often it was decided to send it again. */
  readonly redrives: number;
  readonly redrivenAt: Instant | null;
  /** That it is in quarantine is recorded. */
  readonly isRecorded: boolean;
  /** The newest redrive of which it is recorded that it failed. */
  readonly returned: number;
  readonly isHandled: boolean;
  /** The original is 1. */
  readonly revision: number;
  /** Of the newest revision; null: the original. */
  readonly content: string | null;
  /** Which operation asked for the newest redrive. */
  readonly operationId: string | null;
  readonly isPurged: boolean;
}

export const UNTOUCHED: Handling = {
  status: 'untouched',
  reason: null,
  redrives: 0,
  redrivenAt: null,
  isRecorded: false,
  returned: 0,
  isHandled: false,
  revision: 1,
  content: null,
  operationId: null,
  isPurged: false,
};

/** The decisions count before the quarantine shows them. */
export function standing(
  letter: QuarantinedLetter,
  state: Handling,
): messagingContract.DeadLetterStatus {
  if (state.status === 'discarded') return 'discarded';
  const isAhead = state.status === 'redriven' && state.redrives > letter.redrives;
  return isAhead ? 'redriving' : letter.status;
}

export const operationOf = ({ operationId }: Handling): { readonly operation_id?: string } =>
  operationId === null ? {} : { operation_id: operationId };
