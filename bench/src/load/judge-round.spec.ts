import { judgeRound } from './judge-round';

const run = (correlationId: string) => ({
  ...{ correlationId, sentAtMs: 0, seenAtMs: 1, end: 'WorkflowCompleted' },
});
const end = (correlation_id: string, type = 'WorkflowCompleted') => ({
  ...{ correlation_id, type, position: 1 },
});
const calls = { calls: 4, keys: 4, repeated: [] };

describe('the judge of a round', () => {
  it('finds nothing where all is well', () =>
    expect(judgeRound([run('a'), run('b')], [end('a'), end('b')], calls)).toEqual([]));

  it.each([
    ['a run that did not end', [end('a')]],
    ['a run that ended twice', [end('a'), end('b'), end('b')]],
    ['a run that ended badly', [end('a'), end('b', 'WorkflowFailed')]],
    ['a run of somebody else', [end('a'), end('c')]],
  ])('finds %s', (_, ends) =>
    expect(judgeRound([run('a'), run('b')], ends, calls)).not.toEqual([]),
  );

  it.each([
    ['a call that was made twice', { ...calls, calls: 5 }],
    ['a call that was not made', { ...calls, calls: 3, keys: 3 }],
  ])('finds %s', (_, counted) =>
    expect(judgeRound([run('a'), run('b')], [end('a'), end('b')], counted)).not.toEqual([]),
  );
});
