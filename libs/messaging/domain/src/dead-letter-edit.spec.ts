import { instantOf } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { deadLetterHandling } from './dead-letter';
import { REVISIONS_MAX } from './dead-letter-edit';
import type {
  DeadLetterCommand,
  DeadLetterEvent,
  EditDeadLetter,
  QuarantinedLetter,
} from './dead-letter-messages';

const { given } = specification(deadLetterHandling);

const at = instantOf(1_000_000);
const dead_letter_id = '0198c2a4-7d1e-7c3b-9a52-3f1f0a9f3c11';
const from = { consumer: 'registry-commands', subject: 'command.registry.RegisterService.billing' };
const about = (status: QuarantinedLetter['status'], redrives = 0): QuarantinedLetter => ({
  ...{ ...from, status, redrives },
});
const fault = { field: 'port', message: 'is required' };
const edit = (
  expected_revision: number,
  content: string,
  more: { force?: boolean; faults?: EditDeadLetter['written']['faults'] } = {},
  letter = about('quarantined'),
): DeadLetterCommand => ({
  type: 'EditDeadLetter',
  data: { dead_letter_id, expected_revision, reason: 'was missing', force: more.force },
  written: { content, subject: from.subject, body_bytes: 7, faults: more.faults ?? [] },
  ...{ at, letter },
});
const edited = (revision: number, content: string, is_forced = false): DeadLetterEvent => ({
  type: 'DeadLetterEdited',
  data: {
    ...{ dead_letter_id, revision, content, subject: from.subject, body_bytes: 7 },
    ...{ reason: 'was missing', is_forced, at },
  },
});
const redrive = (redrives = 0, operation_id?: string): DeadLetterCommand => ({
  type: 'RedriveDeadLetter',
  data: { dead_letter_id, ...(operation_id === undefined ? {} : { operation_id }) },
  ...{ at, letter: about('quarantined', redrives) },
});
const redriven = (number: number, more: object = {}): DeadLetterEvent => ({
  type: 'DeadLetterRedriven',
  data: { dead_letter_id, redrive: number, ...from, ...more, at },
});
const purge = (
  status: QuarantinedLetter['status'],
  include_unresolved?: boolean,
): DeadLetterCommand => ({
  type: 'PurgeDeadLetter',
  data: { dead_letter_id, reason: 'a card number', include_unresolved },
  ...{ at, letter: about(status) },
});
const purged: DeadLetterEvent = {
  type: 'DeadLetterPurged',
  data: { dead_letter_id, reason: 'a card number', at },
};
const discarded: DeadLetterEvent = {
  type: 'DeadLetterDiscarded',
  data: { dead_letter_id, ...from, reason: 'a card number', at },
};

describe('an edit', () => {
  it('is a new revision, and that is what is sent', () => {
    given().when(edit(1, 'abc')).then(edited(2, 'abc'));
    given(edited(2, 'abc'), edited(3, 'def'))
      .when(redrive())
      .then(redriven(1, { revision: 3, content: 'def' }));
  });

  it('is refused to whoever saw another revision', () =>
    given(edited(2, 'abc')).when(edit(1, 'def')).thenRejected('dead-letter-revision-differs'));

  it('that changes nothing is none', () =>
    given(edited(2, 'abc')).when(edit(1, 'abc')).thenNothing());

  it('that breaks the schema is kept with force only, and says so', () => {
    given()
      .when(edit(1, 'abc', { faults: [fault] }))
      .thenRejected('dead-letter-breaks-schema');
    given()
      .when(edit(1, 'abc', { faults: [fault], force: true }))
      .then(edited(2, 'abc', true));
  });

  it.each(['redriving', 'redriven', 'discarded'] as const)('of what is %s is refused', (status) =>
    given()
      .when(edit(1, 'abc', {}, about(status)))
      .thenRejected('dead-letter-not-quarantined'),
  );

  it('is not made without end', () =>
    given(edited(REVISIONS_MAX, 'abc'))
      .when(edit(REVISIONS_MAX, 'def'))
      .thenRejected('dead-letter-edited-too-often'));
});

describe('an operation that asks for a redrive', () => {
  it('asks once, whatever became of it', () => {
    given()
      .when(redrive(0, 'op'))
      .then(redriven(1, { operation_id: 'op' }));
    given(redriven(1, { operation_id: 'op' }))
      .when(redrive(1, 'op'))
      .thenNothing();
    given(redriven(1, { operation_id: 'op' }))
      .when(redrive(1, 'another'))
      .then(redriven(2, { operation_id: 'another' }));
  });
});

describe('a purge', () => {
  it.each(['redriven', 'discarded'] as const)('of what is %s leaves the fact', (status) =>
    given().when(purge(status)).then(purged),
  );

  it('is done once', () => given(purged).when(purge('discarded')).thenNothing());

  it('of what may still be sent has to be meant, and gives it up', () => {
    given().when(purge('quarantined')).thenRejected('dead-letter-unresolved');
    given().when(purge('quarantined', true)).then(discarded, purged);
  });

  it('waits for what is being sent', () =>
    given(redriven(1)).when(purge('redriving', true)).thenRejected('dead-letter-redriving'));
});

describe('what the quarantine shows', () => {
  const facts = {
    ...{ context: 'registry', ...from, message_id: 'm', reason: 'port ?', cause: 'c' },
    ...{ attempts: 1, body_bytes: 2, correlation_id: 'k' },
  };
  const record: DeadLetterCommand = {
    type: 'RecordQuarantine',
    data: { dead_letter_id, ...facts },
    at,
  };
  const quarantined: DeadLetterEvent = {
    type: 'DeadLetterQuarantined',
    data: { dead_letter_id, ...facts, at },
  };
  const failed = { outcome: 'failed', reason: 'port ?', cause: 'c', attempts: 2 } as const;
  const end = (
    redrive: number,
    ended: typeof failed | { outcome: 'handled' },
  ): DeadLetterCommand => ({
    type: 'RecordRedriveEnd',
    data: { dead_letter_id, redrive, end: ended },
    at,
  });
  const returned = (number: number, more: object = {}): DeadLetterEvent => ({
    type: 'DeadLetterReturned',
    data: {
      ...{ dead_letter_id, redrive: number, ...more, at },
      ...{ reason: 'port ?', cause: 'c', attempts: 2 },
    },
  });
  const handled: DeadLetterEvent = {
    type: 'DeadLetterHandled',
    data: { dead_letter_id, redrive: 1, at },
  };

  it('is recorded once', () => {
    given().when(record).then(quarantined);
    given(quarantined).when(record).thenNothing();
  });

  it('is recorded of letters that are older than the record', () =>
    given(redriven(1)).when(record).then(quarantined));

  it('says how a redrive ended, once, and for which operation', () => {
    given(redriven(1, { operation_id: 'op' }))
      .when(end(1, failed))
      .then(returned(1, { operation_id: 'op' }));
    given(redriven(1), returned(1)).when(end(1, failed)).thenNothing();
    given(redriven(1))
      .when(end(1, { outcome: 'handled' }))
      .then(handled);
    given(redriven(1), handled)
      .when(end(1, { outcome: 'handled' }))
      .thenNothing();
  });

  it('is not believed of a redrive that nobody decided', () =>
    given().when(end(1, failed)).thenNothing());
});
