import { LogDatabase } from '@downbeat/event-store/testing';
import type { PostgresEventStore } from '@downbeat/event-store';
import { startProjections, type ProjectionRunner } from './projection-runner';
import { booksOf } from './testing/lending-bench';
import { bookStream, bought, lending, lent, type LendingEvent } from './testing/lending';

const meta = { correlation_id: 'c', causation_id: 'c', actor: 'test' };
const at = '2026-03-01T09:30:00.000Z';
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe('read models of the log on Postgres, by the context’s own role', () => {
  let database: LogDatabase;
  let store: PostgresEventStore;
  let runner: ProjectionRunner;

  beforeAll(async () => {
    database = await LogDatabase.create('real_log');
    store = database.store('registry');
    runner = await startProjections({
      url: database.urlOf('registry'),
      schema: 'registry',
      store,
      projections: [lending],
      log: quiet,
    });
  });
  afterAll(async () => {
    await runner.stop();
    await database.drop();
  });

  const append = (book: string, expected: number, ...events: readonly LendingEvent[]) =>
    store.append({ stream: bookStream(book), expected, events, meta });

  it('follow it, see through it, and prove it', async () => {
    await append('a', 0, bought('a'), lent('a', 'Kim', at));
    const between = await database.store('health').append({
      stream: bookStream('foreign'),
      expected: 0,
      events: [{ type: 'Foreign', data: {} }],
      meta,
    });
    const { position } = await append('b', 0, bought('b'));

    const now = await runner.readModels.ask(lending, { min_position: position }, booksOf);
    const then = await runner.readModels.ask(lending, { at: between.position }, booksOf);

    expect(now).toMatchObject({ position, data: [{ book: 'a', borrower: 'Kim' }, { book: 'b' }] });
    expect(then).toEqual({ position: between.position, data: now.data.slice(0, 1) });
    expect(await runner.verify('registry.lending')).toMatchObject({ is_equal: true, position });
  });
});
