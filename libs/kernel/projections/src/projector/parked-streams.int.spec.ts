import { randomBytes } from 'node:crypto';
import { eventually } from '@downbeat/event-store/testing';
import { bought, lent, moved, titledLending, type LendingEvent } from '../testing/lending';
import { LendingBench } from '../testing/lending-bench';

const at = '2026-03-01T09:30:00.000Z';
/** Does not compress, so that an index entry cannot hold it. */
const endlessShelf = randomBytes(6_000).toString('hex');

/** As an older version of the code might have written it. */
const untitled = { type: 'BookBought', data: { book: 'bad', shelf: 'top' } } as LendingEvent;

describe('an event that cannot be applied', () => {
  let bench: LendingBench;
  beforeAll(async () => {
    bench = await LendingBench.start('parked');
  });
  afterEach(() => bench.reset());
  afterAll(() => bench.stop());

  const parked = () =>
    bench.sql(
      'select stream, stream_version::int, position::int, error from projection_parked order by position',
    );

  it.each([
    ['a fold that throws', bought('bad', 'top', 'poison'), /cannot be read/],
    [
      'text that Postgres cannot store',
      bought('bad', 'top', 'a\0b'),
      /book\.title holds a character/,
    ],
    ['a column that is missing', untitled, /book\.title must be text, not undefined/],
    ['a row that only Postgres refuses', bought('bad', endlessShelf), /index row/],
  ])('parks its stream, and nothing else: %s', async (_, poison, reason) => {
    const runner = await bench.run();
    await bench.append(bought('a'), bought('b'), poison);
    await bench.append(lent('bad', 'Kim', at), lent('a', 'Lee', at));
    const min_position = await bench.append(bought('c'));

    const { data } = await bench.books(runner, { min_position });

    expect(data).toMatchObject([{ book: 'a', borrower: 'Lee' }, { book: 'b' }, { book: 'c' }]);
    expect(await bench.sql('select books::int from shelf')).toEqual([{ books: 3 }]);
    expect(await parked()).toEqual([
      { stream: 'book-bad', stream_version: 1, position: 3, error: expect.stringMatching(reason) },
      {
        stream: 'book-bad',
        stream_version: 2,
        position: 4,
        error: 'an earlier event of this stream is parked',
      },
    ]);
    expect(runner.status()[0]).toMatchObject({ state: 'live', parked_streams: 1, lag: 0 });
    expect(bench.logged).toContainEqual(expect.objectContaining({ level: 'error' }));
  });

  it('is found among many, while a version is built', async () => {
    for (let book = 0; book < 300; book++) await bench.append(bought(`b${book}`));
    await bench.append(bought('bad', endlessShelf), bought('worse', 'top', 'poison'));
    const min_position = await bench.append(bought('last'));
    const runner = await bench.run();
    expect((await bench.books(runner, { min_position })).data).toHaveLength(301);
    expect(await parked()).toMatchObject([{ stream: 'book-bad' }, { stream: 'book-worse' }]);
    expect(runner.status()[0]).toMatchObject({ parked_streams: 2 });
  });

  it('stays parked over a restart', async () => {
    const first = await bench.run();
    await bench.books(first, { min_position: await bench.append(bought('bad', 'top', 'poison')) });
    await first.stop();
    const second = await bench.run();
    const min_position = await bench.append(moved('bad', 'top', 'low'));
    await bench.books(second, { min_position });
    expect(await parked()).toHaveLength(2);
    expect(await bench.sql('select * from shelf')).toEqual([]);
  });

  it('equals itself when it is verified', async () => {
    const runner = await bench.run();
    const min_position = await bench.append(
      bought('a'),
      bought('bad', endlessShelf),
      lent('bad', 'Kim', at),
    );
    await bench.books(runner, { min_position });
    expect(await runner.verify('registry.lending')).toMatchObject({ is_equal: true });
  });

  describe('once the code is mended', () => {
    const mended = titledLending(1, () => 'Mended');

    it('is applied when parked streams are retried', async () => {
      const first = await bench.run();
      await bench.append(bought('bad', 'top', 'poison'), lent('bad', 'Kim', at));
      await bench.books(first, { min_position: await bench.append(bought('a')) });
      await first.stop();

      const second = await bench.run({ projections: [mended] });
      await bench.books(second);
      expect(await second.retryParked('registry.lending')).toEqual({
        streams_resumed: 1,
        streams_still_parked: 0,
      });
      const min_position = await bench.append(lent('bad', 'Lee', at));
      const { data } = await bench.books(second, { min_position });
      expect(data).toMatchObject([{ book: 'a' }, { book: 'bad', title: 'Mended', times_lent: 2 }]);
      expect(await parked()).toEqual([]);
      await eventually(() => expect(second.status()[0]).toMatchObject({ parked_streams: 0 }));
    });

    it('is applied once, also when more of its events are on their way', async () => {
      const first = await bench.run();
      const min = await bench.append(bought('bad', 'top', 'poison'), lent('bad', 'Kim', at));
      await bench.books(first, { min_position: min });
      await first.stop();

      const second = await bench.run({ projections: [mended] });
      await bench.books(second);
      const blocked = jest.spyOn(bench.store, 'read').mockRejectedValue(new Error('not now'));
      const min_position = await bench.append(lent('bad', 'Lee', at));
      await second.retryParked('registry.lending');
      blocked.mockRestore();

      const { data } = await bench.books(second, { min_position });
      expect(data).toMatchObject([{ book: 'bad', times_lent: 2 }]);
      expect(await bench.sql('select books::int from shelf')).toEqual([{ books: 1 }]);
    });

    it('stays parked when it still fails', async () => {
      const runner = await bench.run();
      const min_position = await bench.append(
        bought('bad', 'top', 'poison'),
        lent('bad', 'Kim', at),
      );
      await bench.books(runner, { min_position });
      expect(await runner.retryParked('registry.lending')).toEqual({
        streams_resumed: 0,
        streams_still_parked: 1,
      });
      expect(await parked()).toHaveLength(2);
    });
  });
});
