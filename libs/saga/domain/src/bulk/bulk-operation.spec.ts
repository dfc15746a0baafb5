import { sagaContract } from '@downbeat/contracts';
import type { Instant } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { bulkOperation, type BulkCommand, type BulkEvent } from './bulk-operation';

const { BULK_RUNS_MAX } = sagaContract;
const { given } = specification(bulkOperation);
const at = '2026-03-01T09:30:00.000Z' as Instant;
const bulk_id = 'after-outage';
const request = {
  bulk_id,
  action: 'retry',
  filter: { status: 'failed' },
  reason: 'it is back',
  rate_per_second: 10,
} as const;
const start = (ids: readonly string[], more: object = {}): BulkCommand => ({
  type: 'StartBulkOperation',
  data: { ...request, ...more, workflow_ids: ids },
  at,
});
const started = (ids: readonly string[], more: object = {}): BulkEvent => ({
  type: 'BulkOperationStarted',
  data: { bulk_id, request: { ...request, ...more }, workflow_ids: ids, at },
});
const record = (from: number, ...answers: readonly string[]): BulkCommand => ({
  type: 'RecordAnswers',
  data: { bulk_id, from, answers },
  at,
});
const answered = (from: number, ...answers: readonly string[]): BulkEvent => ({
  type: 'BulkRunsAnswered',
  data: { bulk_id, from, answers, at },
});
const completed: BulkEvent = { type: 'BulkOperationCompleted', data: { bulk_id, at } };
const abort: BulkCommand = {
  type: 'AbortBulkOperation',
  data: { bulk_id, reason: 'it fails again' },
  at,
};
const aborted: BulkEvent = {
  type: 'BulkOperationAborted',
  data: { bulk_id, reason: 'it fails again', at },
};

const forget: BulkCommand = { type: 'ForgetBulkOperation', data: { bulk_id }, at };
const forgotten = (count: number): BulkEvent => ({
  type: 'BulkOperationForgotten',
  data: { bulk_id, count, at },
});

describe('an operation that is over', () => {
  it('is forgotten once, and not before', () => {
    given(started(['a', 'b']), aborted)
      .when(forget)
      .then(forgotten(2));
    given(started(['a']), answered(0, 'accepted'), completed)
      .when(forget)
      .then(forgotten(1));
    given(started(['a']), aborted, forgotten(1))
      .when(forget)
      .thenNothing();
    given(started(['a']))
      .when(forget)
      .thenRejected('bulk-running');
    given().when(forget).thenRejected('bulk-unknown');
  });

  it('keeps its id', () =>
    given(started(['a']), aborted, forgotten(1))
      .when(start(['b']))
      .thenNothing());
});

describe('an operation on many runs', () => {
  it('keeps the runs that fit when it was started', () => {
    given()
      .when(start(['a', 'b']))
      .then(started(['a', 'b']));
    given(started(['a', 'b']))
      .when(start(['a', 'b', 'c']))
      .thenNothing();
  });
  it('is refused when nothing fits, or another number than was expected', () => {
    given().when(start([])).thenRejected('bulk-empty');
    given()
      .when(start(['a'], { expected_count: 2 }))
      .thenRejected('bulk-count-differs');
    given()
      .when(start(['a'], { expected_count: 1 }))
      .then(started(['a'], { expected_count: 1 }));
    given()
      .when(start(['a'], { action: 'compensate', max_retries: 1 }))
      .thenRejected('invalid-input');
  });
  it('has an id that means one operation', () =>
    given(started(['a']))
      .when(start(['a'], { reason: 'another' }))
      .thenRejected('bulk-exists'));
  it('records what the runs say, in their order and once', () => {
    given(started(['a', 'b', 'c']))
      .when(record(0, 'accepted', 'x'))
      .then(answered(0, 'accepted', 'x'));
    given(started(['a', 'b', 'c']), answered(0, 'accepted'))
      .when(record(0, 'accepted'))
      .thenNothing();
    given(started(['a', 'b']), answered(0, 'accepted'))
      .when(record(1, 'x'))
      .then(answered(1, 'x'), completed);
    given(started(['a']), answered(0, 'x'), completed)
      .when(record(1, 'x'))
      .thenNothing();
  });
  it('can be aborted while it goes on', () => {
    given(started(['a']))
      .when(abort)
      .then(aborted);
    given(started(['a']), aborted, answered(0, 'x'))
      .when(record(0, 'x'))
      .thenNothing();
    given(started(['a']), answered(0, 'x'), completed)
      .when(abort)
      .thenNothing();
    given().when(abort).thenRejected('bulk-unknown');
    given(started(['a']), aborted)
      .when(abort)
      .thenNothing();
  });
  it('records what runs have said that were asked when it was aborted', () =>
    given(started(['a', 'b']), aborted)
      .when(record(0, 'accepted', 'x'))
      .then(answered(0, 'accepted', 'x')));
  it('is refused when it would concern too many, unless it goes on already', () => {
    const many = Array.from({ length: BULK_RUNS_MAX + 1 }, (_, at) => `w${at}`);
    given().when(start(many)).thenRejected('bulk-too-large');
    given(started(['a']))
      .when(start(many))
      .thenNothing();
  });
});
