import type { DataSource, EntityManager } from 'typeorm';
import { isMissingColumn, isMissingTable } from '../database-faults';
import { InvalidProjection, InvalidReadPosition, ReadModelBehind } from '../errors';
import type { Projection } from '../projection';
import type { Projector } from '../projector/projector';
import { ReadModels, type Read, type ReadAs } from './read-models';
import { inReadTransaction } from './read-transaction';
import type { Sql } from '../tables/table-sql';
import type { TimeTravel } from '../replay/time-travel';

export interface PostgresReadModelsOptions {
  readonly source: DataSource;
  readonly projectors: ReadonlyMap<string, Projector>;
  readonly timeTravel: TimeTravel;
  /** How long `min_position`, or a first build, is waited for; default 5,000. */
  readonly waitMs?: number;
}

/** Read models in Postgres, asked through TypeORM. */
export class PostgresReadModels extends ReadModels {
  constructor(private readonly options: PostgresReadModelsOptions) {
    super();
  }

  async ask<Answer>(
    projection: Projection,
    { at, min_position = 0, waitMs = Infinity }: ReadAs,
    ask: (manager: EntityManager) => Promise<Answer>,
  ): Promise<Read<Answer>> {
    const projector = this.projectorOf(projection);
    if (at !== undefined) return this.options.timeTravel.ask(projector.projection, at, ask);
    if (!Number.isSafeInteger(min_position) || min_position < 0)
      throw new InvalidReadPosition(min_position);

    const deadlineMs = Date.now() + Math.min(waitMs, this.options.waitMs ?? 5_000);
    const isReady =
      min_position === 0
        ? await projector.served(deadlineMs - Date.now())
        : await projector.reached(min_position, deadlineMs - Date.now());
    if (!isReady) throw this.behind(projector, min_position);
    return this.askNow(projector, min_position, ask);
  }

  private async askNow<Answer>(
    projector: Projector,
    minPosition: number,
    ask: (manager: EntityManager) => Promise<Answer>,
  ): Promise<Read<Answer>> {
    return inReadTransaction(this.options.source, async ({ manager, sql }) => {
      await this.holdTables(projector, sql);
      const found = await sql.query(
        `select checkpoint, version from projection where name = $1 and state = 'live'`,
        [projector.projection.name],
      );
      const live: { checkpoint: number; version: number } | undefined = found.rows[0];
      if (live === undefined || live.checkpoint < minPosition)
        throw this.behind(projector, minPosition);
      try {
        return { position: live.checkpoint, data: await ask(manager) };
      } catch (fault) {
        // Tables of another version may lack what is asked; of the own one that is a mistake.
        const isOther = live.version !== projector.projection.version;
        if (isOther && isMissingColumn(fault)) throw this.behind(projector, minPosition);
        throw fault;
      }
    });
  }

  /**
   * Holds the views before the snapshot is taken: a swap waits until the answer is complete, so the
   * snapshot, the checkpoint and the tables behind the views belong together.
   *
   * @see PostgreSQL, LOCK: in repeatable read it must come before the first SELECT.
   */
  private async holdTables(projector: Projector, sql: Sql): Promise<void> {
    const views = projector.projection.tables.map(({ name }) => `"${name}"`).join(', ');
    try {
      await sql.query(`set transaction read only; lock table ${views} in access share mode`);
    } catch (fault) {
      // A newer version of the suite may have taken a table away.
      if (isMissingTable(fault)) throw this.behind(projector, 0);
      throw fault;
    }
  }

  private behind(projector: Projector, wanted: number): ReadModelBehind {
    const { name, position } = projector.status();
    return new ReadModelBehind(name, wanted, position);
  }

  private projectorOf({ name }: Projection): Projector {
    const projector = this.options.projectors.get(name);
    if (projector === undefined)
      throw new InvalidProjection(name, ['is not among those this process runs']);
    return projector;
  }
}
