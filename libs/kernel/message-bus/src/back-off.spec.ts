import { backOffMs } from './back-off';

describe('a back-off', () => {
  const backOff = { firstMs: 100, maxMs: 1_000 };

  it('doubles up to its bound, half of it random', () => {
    const least = [1, 2, 3, 4, 5, 60].map((attempt) => backOffMs(backOff, attempt, 0));
    const most = [1, 2, 3, 4, 5, 60].map((attempt) => backOffMs(backOff, attempt, 1));
    expect(least).toEqual([50, 100, 200, 400, 500, 500]);
    expect(most).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });
});
