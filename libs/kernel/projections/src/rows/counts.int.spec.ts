import type { Projection } from '../projection';
import { bookTable, bought, lent, moved, read, sold, type LendingEvent } from '../testing/lending';
import { LendingBench } from '../testing/lending-bench';
import { countsOf } from './counts';

const counted: Projection = {
  name: 'registry.lending',
  version: 1,
  tables: [bookTable, countsOf('book_count', bookTable, ['shelf'])],
};
const at = '2026-03-01T09:30:00.000Z';
const SHELVES = ['top', 'low', 'odd "shelf", […]'];

/** A long life of a small library, the same for the same seed. */
function life(seed: number, length: number): readonly LendingEvent[] {
  let state = seed;
  const below = (max: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * max);
  };
  const there = new Map<string, string>();
  return Array.from({ length }, (_, n): LendingEvent => {
    const names = [...there.keys()];
    const book = names[below(names.length)];
    const to = SHELVES[below(SHELVES.length)] ?? 'top';
    switch (book === undefined ? 0 : below(5)) {
      case 1: {
        const from = there.get(book ?? '') ?? '';
        there.set(book ?? '', to);
        return moved(book ?? '', from, to);
      }
      case 2: {
        const from = there.get(book ?? '') ?? '';
        there.delete(book ?? '');
        return sold(book ?? '', from);
      }
      case 3:
        return lent(book ?? '', 'Kim', at);
      case 4:
        return read(book ?? '');
      default:
        there.set(`b${n}`, to);
        return bought(`b${n}`, to);
    }
  });
}

describe('a table that counts another one', () => {
  let bench: LendingBench;
  beforeAll(async () => {
    bench = await LendingBench.start('counts');
  });
  afterEach(() => bench.reset());
  afterAll(() => bench.stop());

  const BY_COUNTING = `select shelf, count(*)::int as count from book group by 1 order by 1`;
  const kept = () => bench.sql('select shelf, count::int as count from book_count order by shelf');

  it('says what counting would say, after every batch, and after a rebuild', async () => {
    const runner = await bench.run({ projections: [counted], pace: { batchMax: 7 } });
    for (let seed = 1; seed <= 4; seed++) {
      await bench.append(...life(seed, 60).map((event) => ofLife(seed, event)));
      await runner.readModels.ask(counted, { min_position: bench.head }, async () => undefined);
      expect(await kept()).toEqual(await bench.sql(BY_COUNTING));
    }
    expect((await kept()).length).toBeGreaterThan(1);
    expect(await runner.verify(counted.name)).toMatchObject({ is_equal: true });

    const rebuilt = { ...counted, version: 2 };
    const next = await bench.run({ projections: [rebuilt] });
    await next.readModels.ask(rebuilt, { min_position: bench.head }, async () => undefined);
    expect(await kept()).toEqual(await bench.sql(BY_COUNTING));
  });
  const ofLife = (seed: number, event: LendingEvent): LendingEvent =>
    ({
      ...event,
      data: { ...event.data, book: `${seed}-${event.data.book}` },
    }) as LendingEvent;

  it('has no row for what there is none of any more', async () => {
    const runner = await bench.run({ projections: [counted] });
    const ask = () =>
      runner.readModels.ask(counted, { min_position: bench.head }, async () => undefined);
    await bench.append(bought('a', 'top'), bought('b', 'low'));
    await ask();
    await bench.append(moved('a', 'top', 'low'));
    await ask();
    expect(await kept()).toEqual([{ shelf: 'low', count: 2 }]);
    await bench.append(sold('a', 'low'), sold('b', 'low'));
    await ask();
    expect(await kept()).toEqual([]);
    expect(await runner.verify(counted.name)).toMatchObject({ is_equal: true });
  });

  it('does not count what is parked', async () => {
    const runner = await bench.run({ projections: [counted] });
    await bench.append(bought('a'), bought('bad', 'top', 'poison'), moved('bad', 'top', 'low'));
    await runner.readModels.ask(counted, { min_position: bench.head }, async () => undefined);
    expect(await kept()).toEqual([{ shelf: 'top', count: 1 }]);
  });

  it('can be asked as it was', async () => {
    const runner = await bench.run({ projections: [counted] });
    const then = await bench.append(bought('a'), bought('b'), moved('a', 'top', 'low'));
    await bench.append(sold('b'), sold('a', 'low'));
    const { data } = await runner.readModels.ask(counted, { at: then }, (manager) =>
      manager.query('select shelf, count::int as count from book_count order by shelf'),
    );
    expect(data).toEqual([
      { shelf: 'low', count: 1 },
      { shelf: 'top', count: 1 },
    ]);
  });
});
