import * as fc from 'fast-check';
import type { Arrival } from './arrival';
import { Suspects } from './suspects';

const arrival = (sequence: number, deliveries: number): Arrival => ({
  topic: 'paid',
  priority: 'normal',
  streamCreated: 'life-1',
  sequence,
  deliveries,
  isRedriven: false,
  publishedAt: new Date(0),
  headers: {},
  data: Buffer.alloc(0),
  reply: '',
});

const topicOf = (sequence: number): string => (sequence % 3 === 0 ? 'paid' : 'sent');

describe('suspects', () => {
  it('are what was delivered often without an end, and not what was given back', () => {
    const suspects = new Suspects();
    expect([1, 2, 3].map((times) => suspects.suspects(arrival(1, times)))).toEqual([
      false,
      false,
      true,
    ]);
    suspects.gaveBack(arrival(1, 1));
    suspects.gaveBack(arrival(1, 2));
    expect([3, 4, 5].map((times) => suspects.suspects(arrival(1, times)))).toEqual([
      false,
      false,
      true,
    ]);
    expect(suspects.suspects(arrival(2, 3))).toBe(true);
  });

  it('are told from what was given back also when another topic gives back very much', () => {
    const suspects = new Suspects();
    suspects.gaveBack(arrival(1, 1));
    for (let sequence = 2; sequence < 10_010; sequence++)
      suspects.gaveBack({ ...arrival(sequence, 1), topic: 'sent' });
    expect(suspects.suspects(arrival(1, 3))).toBe(false);
    for (let sequence = 2; sequence < 10_010; sequence++) suspects.gaveBack(arrival(sequence, 1));
    expect(suspects.suspects(arrival(1, 3))).toBe(true);
  });

  describe('of all topics', () => {
    beforeEach(() => jest.useFakeTimers());
    afterEach(() => jest.useRealTimers());

    it('go one at a time, each when it is the turn of its topic', () => {
      const suspects = new Suspects();
      const turns: string[] = [];
      for (const topic of ['paid', 'sent'])
        suspects.join(topic, () => {
          const next = suspects.next(topic);
          if (next) turns.push(`${topic} ${next.sequence}`);
        });
      suspects.add(arrival(3, 4));
      suspects.add({ ...arrival(1, 4), topic: 'sent' });
      suspects.add(arrival(2, 4));
      expect(turns).toEqual([]);
      jest.advanceTimersByTime(100);
      expect([turns, suspects.next('paid'), suspects.next('sent')]).toEqual([
        ['sent 1'],
        undefined,
        undefined,
      ]);
      suspects.done('sent');
      expect(turns).toEqual(['sent 1', 'paid 2']);
      // The next one does not wait for others once they have been gathered.
      suspects.done('paid');
      suspects.done('paid');
      suspects.add({ ...arrival(4, 4), topic: 'sent' });
      jest.advanceTimersByTime(100);
      expect(turns).toEqual(['sent 1', 'paid 2', 'paid 3', 'sent 4']);
    });

    describe('when one hangs', () => {
      const bench = (topics: readonly string[], bornMs: number) => {
        const suspects = new Suspects();
        const turns: string[] = [];
        for (const topic of topics)
          suspects.join(topic, () => {
            const next = suspects.next(topic);
            if (next) turns.push(`${topic} ${next.sequence}`);
          });
        jest.advanceTimersByTime(bornMs);
        for (const sequence of [1, 2]) suspects.add(arrival(sequence, 4));
        for (const sequence of [3, 4]) suspects.add({ ...arrival(sequence, 4), topic: 'sent' });
        jest.advanceTimersByTime(100);
        return { suspects, turns };
      };

      it('wait for it, whatever their topic, in the first minute', () => {
        const { turns } = bench(['paid', 'sent'], 0);
        jest.advanceTimersByTime(59_800);
        expect(turns).toEqual(['paid 1']);
        jest.advanceTimersByTime(200);
        expect(turns).toEqual(['paid 1', 'sent 3']);
      });

      it('wait for those of their own topic only, later, once it has run for two seconds', () => {
        const { suspects, turns } = bench(['paid', 'sent'], 60_000);
        jest.advanceTimersByTime(1_900);
        expect(turns).toEqual(['paid 1']);
        jest.advanceTimersByTime(100);
        expect(turns).toEqual(['paid 1', 'sent 3']);
        suspects.done('sent');
        expect(turns).toEqual(['paid 1', 'sent 3', 'sent 4']);
        suspects.done('sent');
        suspects.add({ ...arrival(5, 4), topic: 'sent' });
        suspects.add(arrival(6, 4));
        expect(turns).toEqual(['paid 1', 'sent 3', 'sent 4', 'sent 5']);
        suspects.clear('sent');
        suspects.clear('paid');
        expect(jest.getTimerCount()).toBe(0);
      });

      it('go on although the topic whose turn it is has no place', () => {
        const { turns } = bench(['sent'], 60_000);
        expect(turns).toEqual(['sent 3']);
      });

      it('of several topics go in turn', () => {
        const { suspects, turns } = bench(['paid', 'sent'], 60_000);
        suspects.done('paid');
        suspects.done('sent');
        expect(turns).toEqual(['paid 1', 'sent 3', 'paid 2']);
      });
    });

    it('wait for a place in their topic, and are cleared topic by topic', () => {
      const suspects = new Suspects();
      suspects.add(arrival(1, 4));
      suspects.add({ ...arrival(2, 4), topic: 'sent' });
      expect(suspects.clear('sent').map(({ sequence }) => sequence)).toEqual([2]);
      jest.advanceTimersByTime(100);
      expect([suspects.next('sent'), suspects.next('paid')?.sequence]).toEqual([undefined, 1]);
      suspects.add(arrival(3, 4));
      expect([suspects.clear('paid').length, suspects.clear('paid').length]).toEqual([1, 0]);
      expect(jest.getTimerCount()).toBe(0);
    });
  });

  it('are done but for the killer after two lives of the process', () => {
    const counts = fc.integer({ min: 1, max: 300 });
    fc.assert(
      fc.property(counts, fc.nat(), fc.integer({ min: 3, max: 8 }), (count, nth, from) => {
        const killer = nth % count;
        let left = Array.from({ length: count }, (_, n) => n);
        for (const deliveries of [from, from + 1]) {
          jest.useFakeTimers();
          const suspects = new Suspects();
          for (const sequence of left)
            suspects.add({ ...arrival(sequence, deliveries), topic: topicOf(sequence) });
          jest.advanceTimersByTime(100);
          const next = () => suspects.next('paid') ?? suspects.next('sent');
          for (let one = next(); one && one.sequence !== killer; one = next()) {
            const { sequence, topic } = one;
            left = left.filter((other) => other !== sequence);
            suspects.done(topic);
          }
        }
        jest.useRealTimers();
        expect(left).toEqual([killer]);
      }),
    );
  });
});
