import { BreakerJournal } from './breaker-journal';
import type { Transition } from './transition';

const key = (target: string) => ({ source: 'shop', target, pattern: '*' });
const opened = (atMs: number): Transition => ({
  from: 'closed',
  to: 'open',
  mode: 'automatic',
  atMs,
  cause: { kind: 'waited' },
});
const ALL = { breakers: 100, transitions: 100, intervals: 100 };

describe('a journal of breakers', () => {
  it('tells each thing once', () => {
    const journal = new BreakerJournal();
    journal.tallyOf(key('billing')).came(true, false, 0);
    journal.note(key('billing'), opened(5), 1_000);
    expect(journal.hasTransitions).toBe(true);
    expect(journal.take(ALL)).toMatchObject([
      {
        key: key('billing'),
        transitions: [{ transition: { atMs: 5 }, calendarOffsetMs: 1_000 }],
        lost: 0,
        intervals: [{ calls: 1 }],
      },
    ]);
    expect([journal.hasTransitions, journal.take(ALL)]).toEqual([false, []]);
  });

  it('tells of those that changed first, and keeps what does not fit', () => {
    const journal = new BreakerJournal();
    journal.tallyOf(key('calm')).came(true, false, 0);
    for (let at = 0; at < 5; at++) journal.note(key('wild'), opened(at), 0);
    const [first] = journal.take({ breakers: 1, transitions: 3, intervals: 1 });
    expect(first).toMatchObject({ key: key('wild'), transitions: { length: 3 } });
    const rest = journal.take(ALL);
    expect(rest.map((page) => [page.key.target, page.transitions.length])).toEqual([
      ['wild', 2],
      ['calm', 0],
    ]);
  });

  it('is bounded: who has the most gives up its oldest, and says how many', () => {
    const journal = new BreakerJournal(10);
    journal.note(key('calm'), opened(0), 0);
    for (let at = 0; at < 50; at++) journal.note(key('wild'), opened(at), 0);
    const pages = journal.take(ALL);
    expect(pages).toMatchObject([
      { key: key('calm'), lost: 0, transitions: { length: 1 } },
      { key: key('wild'), lost: 41, transitions: { length: 9 } },
    ]);
    expect(pages[1]?.transitions[0]?.transition.atMs).toBe(41);
  });

  it('tells what is left of one that was dropped, and forgets it then', () => {
    const journal = new BreakerJournal();
    journal.tallyOf(key('billing')).came(false, false, 0);
    journal.drop(key('billing'));
    expect(journal.take(ALL)).toMatchObject([{ intervals: [{ failures: 1 }] }]);
    journal.note(key('billing'), opened(1), 0);
    journal.drop(key('billing'));
    expect(journal.take(ALL)).toHaveLength(1);
  });
});
