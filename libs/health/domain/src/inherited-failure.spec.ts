import { isToBlame } from './inherited-failure';

const lost = { healthy: 0, unhealthy: 0, starting: 0 };
const failing = { ...lost, unhealthy: 1 };
const coming = { ...lost, starting: 1 };
const fell = { unhealthySinceMs: 60_000, intervalMs: 5_000 };

describe('whoever fails', () => {
  it.each([
    ['failed long before it', failing, 1_000, true],
    ['failed later', failing, 90_000, true],
    ['fails, since when nobody knows', failing, undefined, true],
    ['was scaled to nothing before it fell', lost, 59_999, true],
    ['was scaled to nothing in the moment it fell', lost, 60_000, true],
    ['was scaled to nothing within the interval in which it fell', lost, 65_000, true],
    ['was scaled to nothing after that', lost, 65_001, false],
    ['was scaled to nothing, since when nobody knows', lost, undefined, false],
    ['was coming up before it fell', coming, 30_000, true],
    ['went, and is coming again, after that', coming, 70_000, false],
    ['works in part', { ...failing, healthy: 1 }, 1_000, false],
    ['works', { ...lost, healthy: 2 }, undefined, false],
  ])('fails for want of what %s: %j down since %s: %s', (_, counts, downSinceMs, expected) =>
    expect(isToBlame({ ...counts, downSinceMs }, fell)).toBe(expected),
  );

  it('fails of its own accord when what it needs is not checked', () =>
    expect(isToBlame(undefined, fell)).toBe(false));
});
