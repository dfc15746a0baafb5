import { figure, isReached, targetText } from './figure';

describe('a figure', () => {
  it('is the median of its rounds, with the spread', () =>
    expect(figure('append', 'rate', 'events/s', [3, 1, 2])).toMatchObject({
      ...{ median: 2, min: 1, max: 3, rounds: 3 },
    }));

  it('is not made of nothing, nor of what is no number', () => {
    expect(() => figure('append', 'rate', 'events/s', [])).toThrow(/no figure/);
    expect(() => figure('append', 'rate', 'events/s', [1, Number.NaN])).toThrow(/no figure/);
  });

  it.each([
    [{ atMost: 2 }, true, '≤ 2'],
    [{ atMost: 1.9 }, false, '≤ 1.9'],
    [{ atLeast: 2 }, true, '≥ 2'],
    [{ atLeast: 16_000 }, false, '≥ 16,000'],
  ])('is compared with its target %j', (target, reached, text) => {
    expect(isReached(figure('append', 'rate', 'events/s', [2], target))).toBe(reached);
    expect(targetText(target)).toBe(text);
  });
});
