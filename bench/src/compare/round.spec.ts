import { judge } from './round';

const calls = { calls: 4, keys: 4, repeated: [] };

describe('the judge of a load', () => {
  it('finds nothing where all is well', () => expect(judge(2, 2, calls)).toEqual([]));
  it('asks no record of one that keeps none', () => expect(judge(2, undefined, calls)).toEqual([]));
  it.each([
    ['a run that did not end', 1, calls],
    ['a call that was made twice', 2, { ...calls, calls: 5 }],
    ['a call that was not made', 2, { ...calls, calls: 3, keys: 3 }],
  ])('finds %s', (_, ended, counted) => expect(judge(2, ended, counted)).not.toEqual([]));
});
