import fc from 'fast-check';
import { gateOf, judge, type GateEvidence } from './health-gate';

const gate = gateOf({ observe_seconds: 10, unhealthy_max_percent: 20 });
const seen = (more: Partial<GateEvidence>): GateEvidence => ({
  ...{ observed_ms: 1_000, instances: 5, unhealthy: 0, applied: 0, refused: 0, refusals: [] },
  ...more,
});

describe('a gate', () => {
  it('is open until its time is over, then it has passed', () => {
    expect(judge(gate, seen({ observed_ms: 9_999 }))).toEqual({ is: 'open' });
    expect(judge(gate, seen({ observed_ms: 10_000 }))).toEqual({ is: 'passed' });
  });

  it('fails at once when too many are unhealthy, and says how many', () => {
    expect(judge(gate, seen({ unhealthy: 1 }))).toEqual({ is: 'open' });
    expect(judge(gate, seen({ unhealthy: 2 }))).toEqual({
      is: 'failed',
      because: 'unhealthy are 2 of 5 instances (40 %), more than 20 %',
    });
  });

  it('fails at once when an instance refuses, and says which and why', () =>
    expect(
      judge(gate, seen({ refused: 1, refusals: [{ instance_id: 'a-1', reason: 'no such pool' }] })),
    ).toEqual({ is: 'failed', because: 'an instance refused it: a-1 (no such pool)' }));

  it('bears as many refusals as it says', () => {
    const lenient = { ...gate, refused_max: 1 };
    expect(judge(lenient, seen({ refused: 1 }))).toEqual({ is: 'open' });
    expect(judge(lenient, seen({ refused: 2, refusals: [{ instance_id: 'a-1' }] }))).toEqual({
      is: 'failed',
      because: '2 instances refused it, more than 1: a-1',
    });
  });

  it('asks at the end how many run it, if it is to', () => {
    const strict = { ...gate, applied_min_percent: 80 };
    expect(judge(strict, seen({ applied: 0 }))).toEqual({ is: 'open' });
    expect(judge(strict, seen({ observed_ms: 10_000, applied: 4 }))).toEqual({ is: 'passed' });
    expect(judge(strict, seen({ observed_ms: 10_000, applied: 3 }))).toMatchObject({
      is: 'failed',
      because: 'after 10 s it runs on 3 of 5 instances (60 %), less than 80 %',
    });
    expect(judge(strict, seen({ observed_ms: 10_000, instances: 0 }))).toEqual({ is: 'passed' });
  });

  describe('of a service with instances that were unhealthy before', () => {
    const before = (unhealthy_before: number, more: Partial<GateEvidence> = {}) =>
      judge(gate, seen({ unhealthy_before, ...more }));

    it('blames nobody for them', () => {
      expect(before(4)).toEqual({ is: 'open' });
      expect(before(4, { observed_ms: 10_000, applied: 5 })).toEqual({ is: 'passed' });
    });

    it('asks all the more of the others', () =>
      expect(before(4, { unhealthy: 1 })).toEqual({
        is: 'failed',
        because:
          'unhealthy are 1 of 1 instance (100 %), besides 4 unhealthy before it, more than 20 %',
      }));

    it('fails in the end if it healed none of them, and there is nobody else', () => {
      expect(before(5, { applied: 2 })).toEqual({ is: 'open' });
      expect(before(5, { observed_ms: 10_000, applied: 2 })).toEqual({
        is: 'failed',
        because:
          'after 10 s nobody is well with it: it runs on 2 of 5 instances (40 %), and those that were unhealthy before still are',
      });
      // Nobody has tried it, or that is how it is wanted.
      expect(before(5, { observed_ms: 10_000, applied: 0 })).toEqual({ is: 'passed' });
      const any = { ...gate, unhealthy_max_percent: 100 };
      const all = { unhealthy_before: 5, applied: 5, observed_ms: 10_000 };
      expect(judge(any, seen(all))).toEqual({ is: 'passed' });
    });
  });

  it('never turns better with more harm', () => {
    const count = fc.nat({ max: 50 });
    const rank = { passed: 0, open: 1, failed: 2 };
    fc.assert(
      fc.property(count, count, count, count, fc.nat({ max: 20_000 }), (...drawn) => {
        const [healthy, unhealthy, refused, more, observed_ms] = drawn;
        const before = seen({ observed_ms, instances: healthy + unhealthy, unhealthy, refused });
        const after = { ...before, unhealthy: before.unhealthy + more };
        const worse = { ...after, instances: before.instances + more, refused: refused + more };
        return rank[judge(gate, worse).is] >= rank[judge(gate, before).is];
      }),
    );
  });
});
