import { SHARED } from '@downbeat/messaging-domain';

/** Of the `queue_message` m: it was refused and taken off its stream; who had not handled it by then never gets it. */
export const IS_REFUSED = `exists (
  select from queue_receipt refusal
   where refusal.id = m.key || '/${SHARED}' and refusal.outcome = 'failed'
     and refusal.given_up_sequence = m.sequence)`;
