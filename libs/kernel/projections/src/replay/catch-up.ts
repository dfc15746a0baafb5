import type { Position } from '@downbeat/eventsourcing';
import type { LogReader } from '../projector/log-reader';
import type { Projection } from '../projection';
import { concerns } from '../rows/fold';
import type { TableSet } from '../rows/table-set';
import { shapeOf } from '../tables/table-shape';
import type { Sql } from '../tables/table-sql';
import type { PastTables } from './past-tables';
import { slices } from './replay';

/**
 * A moment within a batch: what came behind the batch before is folded once more.
 *
 * @param deadlineMs Epoch milliseconds.
 * @throws {RebuildsOverloaded} The deadline passed.
 */
export async function catchUp(
  reader: LogReader,
  sql: Sql,
  projection: Projection,
  past: PastTables,
  until: Position,
  deadlineMs: number,
): Promise<void> {
  const shapes = projection.tables.map(shapeOf);
  const parked = new Set(past.parked);
  let tables: TableSet | undefined;
  for await (const { events } of slices(reader, past.from, until, deadlineMs)) {
    const wanted = events.filter((event) => concerns(shapes, event));
    if (wanted.length === 0) continue;
    tables ??= await past.newer();
    const outcome = await tables.applyCarefully(sql, wanted, parked);
    for (const { event } of outcome.parked) parked.add(event.stream);
  }
}
