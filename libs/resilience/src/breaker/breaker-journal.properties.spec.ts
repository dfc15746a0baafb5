import * as fc from 'fast-check';
import { BreakerJournal } from './breaker-journal';

const called = (isGood: boolean) => {
  const failures = isGood ? 0 : 1;
  return { calls: 1, failures, slow: 0, refused: 0, longestRow: failures };
};

/** Goal: no number is lost or doubled, however seldom somebody asks and however little they take. */

const act = fc.record({
  do: fc.constantFrom('call', 'call', 'call', 'call', 'keep-away', 'note', 'take', 'drop'),
  target: fc.constantFrom('a', 'b', 'c'),
  isGood: fc.boolean(),
  max: fc.integer({ min: 1, max: 5 }),
  afterMs: fc.nat(200_000),
});
const acts = fc.array(act, { maxLength: 400 });
const keyOf = (target: string) => ({ source: 's', target, pattern: '*' });

it('tells everything once', () =>
  fc.assert(
    fc.property(acts, (all) => {
      const journal = new BreakerJournal(20);
      const made = { calls: 0, failures: 0, refused: 0, transitions: 0 };
      const told = { calls: 0, failures: 0, refused: 0, transitions: 0 };
      const take = (max: number): number => {
        const bounds = { transitions: max, intervals: max };
        const keys = journal.untold().slice(0, max);
        const pages = keys.map((key) => journal.take(key, bounds));
        for (const { intervals, transitions, lost } of pages) {
          told.transitions += transitions.length + lost;
          for (const { calls, failures, refused } of intervals) {
            told.calls += calls;
            told.failures += failures;
            told.refused += refused;
          }
        }
        return pages.length;
      };
      let nowMs = 0;
      for (const act of all) {
        nowMs += act.afterMs;
        const key = keyOf(act.target);
        if (act.do === 'take') take(act.max);
        else if (act.do === 'drop') journal.drop(key);
        else if (act.do === 'note') {
          made.transitions++;
          const cause = { kind: 'waited' } as const;
          const step = { from: 'open', to: 'half-open', mode: 'automatic' } as const;
          journal.note(key, { ...step, atMs: nowMs, cause }, 0);
        } else if (act.do === 'keep-away') {
          made.refused++;
          journal.tallyOf(key).keptAway(nowMs);
        } else {
          made.calls++;
          if (!act.isGood) made.failures++;
          journal.tallyOf(key).add(called(act.isGood), nowMs);
        }
      }
      for (let turn = 0; turn < 2_000 && take(5) > 0; turn++);
      expect(told).toEqual(made);
      expect(journal.changed()).toEqual([]);
    }),
  ));
