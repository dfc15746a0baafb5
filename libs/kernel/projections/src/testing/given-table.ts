import type { Instant, Message, RecordedEvent, StreamName } from '@downbeat/eventsourcing';
import { canonicalJson } from '../tables/canonical';
import { foldEvents, keysOf, planEvents } from '../rows/fold';
import type { Row, Table } from '../projection';
import { shapeOf } from '../tables/table-shape';

/** An event as a test writes it: what it says, and of the rest only what the test is about. */
export type GivenEvent<Event extends Message> = Event &
  Partial<Omit<RecordedEvent, 'type' | 'data'>>;

/**
 * Given these events, then these rows. Folds in memory exactly as the projector does, one event at
 * a time; a fold that throws, or a row that does not fit its table, fails the test. Needs no test
 * framework.
 */
export function tableSpecification<TableRow extends Row, Event extends Message>(
  table: Table<TableRow, Event>,
) {
  return {
    given: (...events: readonly GivenEvent<Event>[]) => {
      const rows = fold(table as unknown as Table, events);
      return {
        rows: rows as readonly TableRow[],
        /** All rows of the table, in any order. */
        thenRows: (...expected: readonly TableRow[]) => same(rows, expected),
        thenNoRows: () => same(rows, []),
      };
    },
  };
}

function fold(table: Table, events: readonly GivenEvent<Message>[]): readonly Row[] {
  const shapes = [shapeOf(table)];
  const rows = new Map<string, Row | undefined>();
  for (const [index, event] of events.entries()) {
    const planned = planEvents(shapes, [recorded(event, index + 1)]);
    const before = [...(keysOf(1, planned)[0] ?? [])].map((key) => [key, rows.get(key)] as const);
    const { changed, parked } = foldEvents(shapes, planned, [new Map(before)], new Set());
    if (parked[0]) throw new Error(`event ${index + 1} (${event.type}): ${parked[0].error}`);
    for (const [key, row] of changed[0] ?? []) rows.set(key, row);
  }
  return [...rows.values()].filter((row) => row !== undefined);
}

/** The event in its stored shape, with plain defaults for what the test does not name. */
export function recorded<Event extends Message>(
  event: GivenEvent<Event>,
  position: number,
): RecordedEvent<Event> {
  return {
    position,
    event_id: `event-${position}`,
    context: 'test',
    stream: 'test-1' as StreamName,
    version: position,
    schema_version: 1,
    meta: { correlation_id: 'correlation-1', causation_id: 'causation-1', actor: 'test' },
    recorded_at: '2026-03-01T09:30:00.000Z' as Instant,
    commit_no: position,
    ...event,
  };
}

function same(actual: readonly Row[], expected: readonly Row[]): void {
  const [is, should] = [lines(actual), lines(expected)];
  if (is !== should) throw new Error(`expected rows\n${should}\nbut got\n${is}`);
}

const lines = (rows: readonly Row[]): string => rows.map(canonicalJson).sort().join('\n');
