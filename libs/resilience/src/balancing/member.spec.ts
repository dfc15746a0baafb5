import { Member } from './member';
import { endpoint } from './testing/endpoints';

describe('a member', () => {
  const known = () => {
    const member = new Member(endpoint('a'), -Infinity, 1_000);
    member.ended('ok', 100, 0);
    return member;
  };

  it('is not faster for failing fast or being given up on early', () => {
    for (const ending of ['failed', 'abandoned'] as const) {
      const member = known();
      member.ended(ending, 1, 1_000);
      expect(member.latency.at(1_000)).toBeCloseTo(100 / Math.E);
      member.ended(ending, 500, 1_000);
      expect(member.latency.at(1_000)).toBe(500);
    }
  });

  it('is less reliable for a failure, not for being given up on', () => {
    const member = known();
    member.ended('abandoned', 1, 0);
    expect(member.success.at(0)).toBe(1);
    member.ended('failed', 1, 0);
    expect(member.success.at(0)).toBeLessThan(1);
  });

  it('is timed once in a millisecond, and says nothing of a call that was not', () => {
    const member = new Member(endpoint('a'), -Infinity, 1_000);
    expect(member.isToBeTimed(0)).toBe(true);
    member.ended('ok', 5, 10);
    expect([10, 10.9, 11].map((nowMs) => member.isToBeTimed(nowMs))).toEqual([false, false, true]);
    member.ended('ok', undefined, 10);
    expect(member.latency.at(10)).toBe(5);
    expect(member.tell()).toEqual({ ok: 2, failed: 0 });
  });
});
