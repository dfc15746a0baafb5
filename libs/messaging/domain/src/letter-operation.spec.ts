import { instantOf } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import {
  letterOperation,
  type LetterOperationCommand,
  type LetterOperationEvent,
  type LetterOperationRequest,
} from './letter-operation';

const { given } = specification(letterOperation);

const at = instantOf(1_000_000);
const operation_id = 'op';
const request: LetterOperationRequest = {
  ...{ operation_id, action: 'redrive', filter: { cause: 'c' }, reason: 'fixed' },
  rate_per_second: 10,
};
const start = (
  more: Partial<LetterOperationRequest> = {},
  dead_letter_ids: readonly string[] = ['a', 'b', 'c'],
): LetterOperationCommand => ({
  type: 'StartDeadLetterOperation',
  data: { ...request, ...more, dead_letter_ids, found_ticket: 't' },
  at,
});
const started: LetterOperationEvent = {
  type: 'DeadLetterOperationStarted',
  data: { operation_id, request, dead_letter_ids: ['a', 'b', 'c'], at },
};
const record = (from: number, ...answers: string[]): LetterOperationCommand => ({
  type: 'RecordLetterAnswers',
  data: { operation_id, from, answers },
  at,
});
const answered = (from: number, ...answers: string[]): LetterOperationEvent => ({
  type: 'DeadLettersAnswered',
  data: { operation_id, from, answers, at },
});
const completed: LetterOperationEvent = {
  type: 'DeadLetterOperationCompleted',
  data: { operation_id, at },
};
const abort: LetterOperationCommand = {
  type: 'AbortDeadLetterOperation',
  data: { operation_id, reason: 'it fails again' },
  at,
};
const aborted: LetterOperationEvent = {
  type: 'DeadLetterOperationAborted',
  data: { operation_id, reason: 'it fails again', at },
};

describe('an operation on many letters', () => {
  it('is about the letters of its beginning', () => given().when(start()).then(started));

  it('is one however often it is started, and no other', () => {
    given(started)
      .when(start({}, ['x']))
      .thenNothing();
    given(started)
      .when(start({ rate_per_second: 20 }))
      .thenRejected('operation-exists');
  });

  it.each<[string, Partial<LetterOperationRequest>, readonly string[]]>([
    ['operation-empty', {}, []],
    ['operation-too-large', {}, Array.from({ length: 5_001 }, String)],
    ['operation-count-differs', { expected_count: 2 }, ['a']],
    ['operation-letters-differ', { ticket: 'f'.repeat(64) }, ['a']],
    ['invalid-input', { filter: {} }, ['a']],
    ['invalid-input', { include_unresolved: true }, ['a']],
    ['invalid-input', { action: 'discard', stop_after_failures: 1 }, ['a']],
    ['invalid-input', { filter: { resolved_before: at } }, ['a']],
  ])('is refused with %s', (code, more, ids) => given().when(start(more, ids)).thenRejected(code));

  it('records what each letter said, and ends with the last', () => {
    given(started).when(record(0, 'accepted')).then(answered(0, 'accepted'));
    given(started, answered(0, 'accepted'))
      .when(record(1, 'accepted', 'dead-letter-handled'))
      .then(answered(1, 'accepted', 'dead-letter-handled'), completed);
  });

  it('records no slice twice', () =>
    given(started, answered(0, 'accepted')).when(record(0, 'accepted')).thenNothing());

  it('can be aborted, and records what was being asked', () => {
    given(started).when(abort).then(aborted);
    given(started, aborted).when(abort).thenNothing();
    given(started, aborted).when(record(0, 'accepted')).then(answered(0, 'accepted'));
    given().when(abort).thenRejected('operation-unknown');
  });
});
