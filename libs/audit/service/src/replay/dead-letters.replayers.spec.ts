import type { RecordedEvent } from '@downbeat/eventsourcing';
import { deadLetterOperationReplayer } from './dead-letter-operation.replayer';
import { deadLetterReplayer } from './dead-letter.replayer';
import type { Replayer } from './replayer';

/** Of each append whether the rules lead to it again. */
async function replayed(replayer: Replayer, appends: readonly (readonly object[])[]) {
  const replay = replayer.begin();
  const found: boolean[] = [];
  for (const append of appends)
    found.push((await replay.apply(append as readonly RecordedEvent[])).isSame);
  return found;
}
const all = (appends: readonly unknown[]) => appends.map(() => true);

const at = '2026-03-01T09:30:00.000Z';
const dead_letter_id = '0198c2a4-7d1e-8c3b-9a52-3f1f0a9f3c11';
const from = { consumer: 'registry-commands', subject: 'command.registry.RegisterService.x' };
const said = { dead_letter_id, at };
const why = { reason: 'because' };
const failed = { reason: 'port ?', cause: 'c', attempts: 2 };

const quarantined = {
  type: 'DeadLetterQuarantined',
  data: {
    ...{ ...said, ...from, context: 'registry', message_id: 'm', reason: 'port ?', cause: 'c' },
    ...{ attempts: 1, body_bytes: 2, correlation_id: 'k' },
  },
};
const edited = (revision: number, is_forced: boolean) => ({
  type: 'DeadLetterEdited',
  data: {
    ...{ ...said, ...why, revision, content: `c${revision}`, subject: from.subject },
    ...{ body_bytes: 3, is_forced },
  },
});
const redriven = (redrive: number, more: object = {}) => ({
  type: 'DeadLetterRedriven',
  data: { ...said, ...from, ...why, redrive, ...more },
});
const returned = (redrive: number, more: object = {}) => ({
  type: 'DeadLetterReturned',
  data: { ...said, redrive, ...failed, ...more },
});
const handled = (redrive: number) => ({ type: 'DeadLetterHandled', data: { ...said, redrive } });
const discarded = (more: object = {}) => ({
  type: 'DeadLetterDiscarded',
  data: { ...said, ...from, ...why, ...more },
});
const purged = (more: object = {}) => ({
  type: 'DeadLetterPurged',
  data: { ...said, ...why, ...more },
});

describe('the stream of a dead letter', () => {
  it.each<[string, readonly (readonly object[])[]]>([
    [
      'edited twice, sent by an operation, back, sent again, handled and purged',
      [
        [quarantined],
        [edited(2, false)],
        [edited(3, true)],
        [redriven(1, { operation_id: 'op', revision: 3, content: 'c3' })],
        [returned(1, { operation_id: 'op' })],
        [redriven(2, { revision: 3, content: 'c3' })],
        [handled(2)],
        [purged()],
      ],
    ],
    [
      'discarded, then purged by an operation',
      [[quarantined], [discarded()], [purged({ operation_id: 'op' })]],
    ],
    ['purged before it was resolved', [[quarantined], [discarded(), purged()]]],
    // Before quarantines were told, an operator's act was the first event.
    ['of an earlier release', [[redriven(1)], [redriven(2)], [discarded()]]],
    ['of an earlier release, told since', [[redriven(1)], [quarantined], [handled(1)]]],
  ])('%s is decided again from its events alone', async (_, appends) => {
    expect(await replayed(deadLetterReplayer, appends)).toEqual(all(appends));
  });

  it('tells of what the rules do not lead to', async () => {
    const twice = [[quarantined], [quarantined]];
    expect(await replayed(deadLetterReplayer, twice)).toEqual([true, false]);
    expect(await replayed(deadLetterReplayer, [[quarantined], [edited(7, false)]])).toEqual([
      ...[true, false],
    ]);
    const unasked = [[quarantined], [returned(1)]];
    expect(await replayed(deadLetterReplayer, unasked)).toEqual([true, false]);
    const never = [[quarantined], [discarded()], [redriven(1)]];
    expect(await replayed(deadLetterReplayer, never)).toEqual([true, true, false]);
  });
});

describe('the stream of an operation on dead letters', () => {
  const operation = { operation_id: 'op', at };
  const started = {
    type: 'DeadLetterOperationStarted',
    data: {
      ...operation,
      dead_letter_ids: ['a', 'b', 'c'],
      request: {
        ...{ operation_id: 'op', action: 'redrive', filter: { cause: 'c' }, reason: 'fixed' },
        ...{ rate_per_second: 10, ticket: 'f'.repeat(64), expected_count: 3 },
      },
    },
  };
  const answered = (index: number, ...answers: string[]) => ({
    type: 'DeadLettersAnswered',
    data: { ...operation, from: index, answers },
  });
  const completed = { type: 'DeadLetterOperationCompleted', data: operation };
  const aborted = { type: 'DeadLetterOperationAborted', data: { ...operation, ...why } };

  it('is decided again from its events alone', async () => {
    const whole = [
      [started],
      [answered(0, 'accepted')],
      [answered(1, 'accepted', 'dead-letter-handled'), completed],
    ];
    expect(await replayed(deadLetterOperationReplayer, whole)).toEqual(all(whole));
    const stopped = [[started], [aborted], [answered(0, 'accepted')]];
    expect(await replayed(deadLetterOperationReplayer, stopped)).toEqual(all(stopped));
  });

  it('tells of what the rules do not lead to', async () => {
    const early = [[started], [answered(0, 'accepted'), completed]];
    expect(await replayed(deadLetterOperationReplayer, early)).toEqual([true, false]);
  });
});
