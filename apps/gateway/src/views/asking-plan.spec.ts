import { dueAtMs, type Asked } from './asking-plan';

const pace = { everyMs: 250, lookMs: 5_000, retryMs: 1_000 };
const asked = (outcome: Asked['outcome'] = 'answered'): Asked => ({
  endedAtMs: 1_000,
  outcome,
  upTo: 40,
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

  it('that was not answered: soon, whatever the news', () => {
    const failed = asked('unavailable');
    expect([dueAtMs(failed, 40, pace), dueAtMs(failed, 41, pace)]).toEqual([2_000, 2_000]);
  });

  it('that breaks something: no sooner than one without news', () =>
    expect(dueAtMs(asked('broken'), 41, pace)).toBe(6_000));
});
