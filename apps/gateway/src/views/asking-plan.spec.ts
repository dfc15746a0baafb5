import { dueAtMs, type Asked } from './asking-plan';

const pace = { everyMs: 250, lookMs: 5_000, retryMs: 1_000 };
const asked = (changes: Partial<Asked> = {}): Asked => ({
  beganAtMs: 1_000,
  endedAtMs: 1_010,
  outcome: 'answered',
  upTo: 40,
  ...changes,
});

describe('when a question is asked again', () => {
  it('without news: after a while, since not everything is heard of', () =>
    expect(dueAtMs(asked(), 40, pace)).toBe(6_000));

  it('with news: as soon as its clients want', () =>
    expect(dueAtMs(asked(), 41, pace)).toBe(1_250));

  it('never sooner than its clients want, news or none', () => {
    const slow = { ...pace, everyMs: 60_000 };
    expect([dueAtMs(asked(), 40, slow), dueAtMs(asked(), 41, slow)]).toEqual([61_000, 61_000]);
  });

  it('with news, when it took long: after it rested as long', () =>
    expect(dueAtMs(asked({ endedAtMs: 4_000 }), 41, pace)).toBe(7_000));

  it('that was not answered: soon, whatever the news', () => {
    const failed = asked({ outcome: 'unavailable', endedAtMs: 3_000 });
    expect([dueAtMs(failed, 40, pace), dueAtMs(failed, 41, pace)]).toEqual([4_000, 4_000]);
  });

  it('that breaks something: no sooner than one without news', () => {
    const broken = asked({ outcome: 'broken', endedAtMs: 3_000 });
    expect(dueAtMs(broken, 41, pace)).toBe(8_000);
  });
});
