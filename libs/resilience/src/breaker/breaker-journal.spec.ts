import { BreakerJournal } from './breaker-journal';
import type { Transition } from './transition';

const called = (isGood: boolean) => {
  const failures = isGood ? 0 : 1;
  return { calls: 1, failures, slow: 0, refused: 0, longestRow: failures };
};

const key = (target: string) => ({ source: 'shop', target, pattern: '*' });
const opened = (atMs: number): Transition => ({
  from: 'closed',
  to: 'open',
  mode: 'automatic',
  atMs,
  cause: { kind: 'waited' },
});
const ALL = { transitions: 100, intervals: 100 };
const takeAll = (journal: BreakerJournal) =>
  journal.untold().map((one) => ({ key: one, ...journal.take(one, ALL) }));

describe('a journal of breakers', () => {
  it('tells each thing once', () => {
    const journal = new BreakerJournal();
    journal.tallyOf(key('billing')).add(called(true), 0);
    journal.note(key('billing'), opened(5), 1_000);
    expect(journal.changed()).toEqual([key('billing')]);
    expect(takeAll(journal)).toMatchObject([
      {
        key: key('billing'),
        transitions: [{ transition: { atMs: 5 }, calendarOffsetMs: 1_000 }],
        lost: 0,
        intervals: [{ calls: 1 }],
      },
    ]);
    expect([journal.changed(), journal.untold()]).toEqual([[], []]);
    expect(journal.take(key('billing'), ALL)).toMatchObject({ transitions: [], intervals: [] });
  });

  it('keeps what does not fit', () => {
    const journal = new BreakerJournal();
    const wild = key('wild');
    for (let at = 0; at < 5; at++) journal.note(wild, opened(at), 0);
    journal.tallyOf(wild).add(called(true), 0);
    expect(journal.take(wild, { transitions: 3, intervals: 0 })).toMatchObject({
      transitions: { length: 3 },
      intervals: [],
    });
    expect(journal.changed()).toEqual([wild]);
    expect(journal.take(wild, ALL)).toMatchObject({
      transitions: { length: 2 },
      intervals: [{ calls: 1 }],
    });
  });

  it('lets those have their turn that had none', () => {
    const journal = new BreakerJournal();
    const call = () => {
      for (const target of ['a', 'b', 'c']) journal.tallyOf(key(target)).add(called(true), 0);
    };
    call();
    journal.take(key('a'), ALL);
    journal.note(key('a'), opened(1), 0);
    call();
    expect(journal.untold().map(({ target }) => target)).toEqual(['b', 'c', 'a']);
    expect(journal.changed()).toEqual([key('a')]);
  });

  it('is bounded: who has the most gives up its oldest, and says how many', () => {
    const journal = new BreakerJournal(10);
    journal.note(key('calm'), opened(0), 0);
    for (let at = 0; at < 50; at++) journal.note(key('wild'), opened(at), 0);
    const pages = takeAll(journal);
    expect(pages).toMatchObject([
      { key: key('calm'), lost: 0, transitions: { length: 1 } },
      { key: key('wild'), lost: 41, transitions: { length: 9 } },
    ]);
    expect(pages[1]?.transitions[0]?.transition.atMs).toBe(41);
  });

  it('tells what is left of one that was dropped, and forgets it then', () => {
    const journal = new BreakerJournal();
    journal.tallyOf(key('billing')).add(called(false), 0);
    journal.drop(key('billing'));
    expect(takeAll(journal)).toMatchObject([{ intervals: [{ failures: 1 }] }]);
    journal.note(key('billing'), opened(1), 0);
    journal.drop(key('billing'));
    expect(takeAll(journal)).toHaveLength(1);
  });
});
