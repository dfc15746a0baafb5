import { Rejection, type Decision } from '@downbeat/eventsourcing';
import type { DeadLetterEvent, EditDeadLetter, QuarantinedLetter } from './dead-letter-messages';
import { standing, type Handling } from './handling';

export const REVISIONS_MAX = 50;

/** What is sent in place of the original. Whoever edits says which revision they saw; nobody's work is lost. */
export function edit(
  { data, at, written }: EditDeadLetter,
  letter: QuarantinedLetter,
  state: Handling,
): Decision<DeadLetterEvent> {
  const { dead_letter_id, expected_revision, reason, force = false } = data;
  const status = standing(letter, state);
  if (status !== 'quarantined')
    return new Rejection(
      'dead-letter-not-quarantined',
      `${dead_letter_id} is ${status}; only what is in quarantine can be edited`,
    );
  const { content, subject, body_bytes, faults } = written;
  if (state.content === content) return [];
  if (expected_revision !== state.revision)
    return new Rejection(
      'dead-letter-revision-differs',
      `expected_revision is ${expected_revision}, but ${dead_letter_id} has revision ${state.revision} by now: look at that first`,
      'conflict',
      [{ field: 'expected_revision', message: `is not the newest, which is ${state.revision}` }],
    );
  if (state.revision >= REVISIONS_MAX)
    return new Rejection(
      'dead-letter-edited-too-often',
      `${dead_letter_id} has ${REVISIONS_MAX} revisions, which is the most`,
    );
  if (faults.length > 0 && !force)
    return new Rejection(
      'dead-letter-breaks-schema',
      `what was written breaks the schema of ${subject}; with force it is kept all the same`,
      'invalid',
      faults,
    );
  const revision = state.revision + 1;
  const is_forced = faults.length > 0;
  const facts = { dead_letter_id, revision, content, subject, body_bytes, reason, is_forced, at };
  return [{ type: 'DeadLetterEdited', data: facts }];
}
