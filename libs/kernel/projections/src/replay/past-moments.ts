import type { Position } from '@downbeat/eventsourcing';
import type { DataSource } from 'typeorm';
import type { LogReader } from '../projector/log-reader';
import type { Projection } from '../projection';
import { inReadTransaction } from '../read/read-transaction';
import { hashesOf, type TableHash } from '../tables/hash-table';
import { shapeOf } from '../tables/table-shape';
import { catchUp } from './catch-up';
import { layPastTables } from './past-tables';

const MOMENTS = 3;

/** Some moments of which the past is kept, chosen by chance, in order. */
export function someMoments(source: DataSource, projection: Projection): Promise<Position[]> {
  return inReadTransaction(source, async ({ sql }) => {
    const found = await sql.query(
      `select m.position from projection_moment m
         join projection p on p.name = m.projection and p.version = m.version
        where m.projection = $1 and m.version = $2 and m.position between p.past_from and p.checkpoint
          and p.past_through = p.checkpoint
        order by random() limit ${MOMENTS}`,
      [projection.name, projection.version],
    );
    const positions = (found.rows as { readonly position: Position }[]).map((row) => row.position);
    return positions.toSorted((one, other) => one - other);
  });
}

/** What a question about a moment would see; undefined when that is not kept (any more). */
export function hashesAt(
  { source, reader }: { readonly source: DataSource; readonly reader: LogReader },
  projection: Projection,
  position: Position,
  deadlineMs: number,
): Promise<readonly TableHash[] | undefined> {
  return inReadTransaction(source, async ({ sql }) => {
    const past = await layPastTables(sql, projection, position);
    if (past === undefined) return undefined;
    await catchUp(reader, sql, projection, past, position, deadlineMs);
    const shapes = projection.tables.map(shapeOf);
    return hashesOf(sql, shapes, ({ name }) => `pg_temp."${name}"`);
  });
}
