import type { RecordedEvent, StreamName } from '@downbeat/eventsourcing';
import { foldEvents, keysOf, planEvents } from './fold';
import type { Row, Table } from '../projection';
import { shapeOf } from '../tables/table-shape';
import { recorded, type GivenEvent } from '../testing/given-table';
import {
  bookStream,
  bookTable,
  bought,
  lent,
  moved,
  read,
  shelfTable,
  type LendingEvent,
} from '../testing/lending';

// The count comes first: it must not keep what the book refuses.
const shapes = [shelfTable, bookTable].map((table) => shapeOf(table as unknown as Table));

function fold(
  events: readonly GivenEvent<LendingEvent>[],
  rows: readonly [Record<string, Row>, Record<string, Row>] = [{}, {}],
  parked: readonly StreamName[] = [],
) {
  const planned = planEvents(
    shapes,
    events.map((event, at): RecordedEvent => ({
      ...recorded(event, at + 1),
      stream: bookStream(event.data.book),
    })),
  );
  const before = rows.map((table) => new Map<string, Row | undefined>(Object.entries(table)));
  const keys = keysOf(2, planned).map((set) => [...set].sort());
  return { keys, ...foldEvents(shapes, planned, before, new Set(parked)) };
}

describe('folding a batch', () => {
  it('accounts for every event', () => {
    const folded = fold([
      bought('a'),
      read('a'),
      bought('bad', 'top', 'poison'),
      lent('a', 'K', 'x'),
    ]);
    expect([folded.applied, folded.ignored, folded.parked.length]).toEqual([1, 1, 2]);
  });

  it('names the rows it needs before it folds', () => {
    const { keys } = fold([bought('a', 'x'), moved('a', 'x', 'y'), read('z')]);
    expect(keys).toEqual([['x', 'y'], ['a']]);
  });

  it('gives each event the rows as the one before left them', () => {
    const { changed } = fold(
      [bought('a'), bought('b'), bought('c')],
      [{ top: { shelf: 'top', books: 5 } }, {}],
    );
    expect(changed[0]?.get('top')).toEqual({ shelf: 'top', books: 8 });
  });

  it('changes all rows of an event or none', () => {
    const { changed, parked } = fold([bought('a'), bought('bad', 'top', 'poison')]);
    expect(changed[0]?.get('top')).toEqual({ shelf: 'top', books: 1 });
    expect(parked).toMatchObject([
      { event: { position: 2 }, error: expect.stringMatching(/cannot be read/) },
    ]);
  });

  it('parks later events of a stream unrun, ones of streams parked before too, and no others', () => {
    const folded = fold(
      [bought('bad', 'top', 'poison'), moved('bad', 'top', 'low'), bought('late'), bought('a')],
      [{}, {}],
      [bookStream('late')],
    );
    expect(folded.parked.map(({ event }) => event.position)).toEqual([1, 2, 3]);
    expect([...(folded.changed[0] ?? [])]).toEqual([['top', { shelf: 'top', books: 1 }]]);
  });

  it('does not take event types for what every object has', () => {
    const { ignored } = fold([
      { ...read('a'), type: 'constructor' } as never,
      { ...read('a'), type: 'toString' } as never,
    ]);
    expect(ignored).toBe(2);
  });

  it('leaves a row untouched when the fold returns it', () => {
    const row = { shelf: 'top', books: 1 };
    const { changed } = fold([moved('a', 'top', 'top')], [{ top: row }, {}]);
    expect(changed[1]?.get('a')).toBeUndefined();
  });
});
