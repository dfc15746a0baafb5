import { instantOf } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { deadLetterHandling, REDRIVE_PATIENCE_MS } from './dead-letter';
import type { DeadLetterCommand, DeadLetterEvent, QuarantinedLetter } from './dead-letter-messages';

const { given } = specification(deadLetterHandling);

const at = instantOf(1_000_000);
const dead_letter_id = '0198c2a4-7d1e-7c3b-9a52-3f1f0a9f3c11';
const from = { consumer: 'registry-commands', subject: 'command.registry.RegisterService.billing' };
const letter = (status: QuarantinedLetter['status'], redrives = 0): QuarantinedLetter => ({
  ...from,
  status,
  redrives,
});
const redrive = (about?: QuarantinedLetter): DeadLetterCommand => ({
  type: 'RedriveDeadLetter',
  data: { dead_letter_id, reason: 'fixed' },
  at,
  letter: about,
});
const discard = (about?: QuarantinedLetter, now = at): DeadLetterCommand => ({
  type: 'DiscardDeadLetter',
  data: { dead_letter_id, reason: 'a test message' },
  at: now,
  letter: about,
});
const redriven = (number: number): DeadLetterEvent => ({
  type: 'DeadLetterRedriven',
  data: { dead_letter_id, redrive: number, ...from, reason: 'fixed', at },
});
const discarded = (now = at): DeadLetterEvent => ({
  type: 'DeadLetterDiscarded',
  data: { dead_letter_id, ...from, reason: 'a test message', at: now },
});
const later = (ms: number) => instantOf(1_000_000 + ms);

describe('a dead letter', () => {
  it.each([redrive(), discard()])('that does not exist cannot be handled', (command) =>
    given().when(command).thenRejected('dead-letter-unknown'),
  );

  it('can be redriven', () =>
    given()
      .when(redrive(letter('quarantined')))
      .then(redriven(1)));

  it('can be redriven again when it came back', () =>
    given(redriven(1))
      .when(redrive(letter('quarantined', 1)))
      .then(redriven(2)));

  it('is redriven once however often it is asked', () =>
    given(redriven(1))
      .when(redrive(letter('redriving', 1)))
      .thenNothing());

  it('is being redriven from the decision on, not from when the quarantine shows it', () => {
    const stale = letter('quarantined', 0);
    given(redriven(1)).when(redrive(stale)).thenNothing();
    given(redriven(1)).when(discard(stale)).thenRejected('dead-letter-redriving');
  });

  it.each([redrive, discard])('that was handled stays as it is', (command) =>
    given(redriven(1))
      .when(command(letter('redriven', 1)))
      .thenRejected('dead-letter-handled'),
  );

  it('can be discarded, once', () => {
    given()
      .when(discard(letter('quarantined')))
      .then(discarded());
    given(discarded())
      .when(discard(letter('discarded')))
      .thenNothing();
    given(discarded())
      .when(discard(letter('quarantined')))
      .thenNothing();
  });

  it.each(['quarantined', 'discarded'] as const)(
    'that was discarded is not redriven, though the quarantine says %s',
    (status) =>
      given(discarded())
        .when(redrive(letter(status)))
        .thenRejected('dead-letter-discarded'),
  );

  it('is not discarded while it is being redriven, for a bounded time', () => {
    const about = letter('redriving', 1);
    const end = later(REDRIVE_PATIENCE_MS);
    given(redriven(1)).when(discard(about, end)).thenRejected('dead-letter-redriving');
    const after = later(REDRIVE_PATIENCE_MS + 1);
    given(redriven(1)).when(discard(about, after)).then(discarded(after));
  });
});
