import type { Instant, Position } from '@downbeat/eventsourcing';
import type { EntityManager } from 'typeorm';
import type { Projection } from '../projection';

/** Which moment to look at. Neither: the newest one that was projected. */
export interface ReadAs {
  /** The state after this position, or at this moment. */
  readonly at?: Position | Instant;
  /** Wait (bounded) until at least this position was projected: a read after one's own write. */
  readonly min_position?: Position;
  /** How long for that, when it is less than what all wait. */
  readonly waitMs?: number;
}

/** An answer, and the position up to which it is true. */
export interface Read<Answer> {
  readonly position: Position;
  readonly data: Answer;
}

/** Asks read models, now or as they were. */
export abstract class ReadModels {
  /**
   * Runs `ask` on the tables of `projection`: entities are found by `manager.getRepository(table.name)`.
   * With `at` the same question is put to a private rebuild of the tables up to that moment.
   *
   * @throws {ReadModelBehind} `min_position` was not reached in time; asking again later can help.
   * @throws {ReadPositionAhead} `at` lies in the future of the log.
   */
  abstract ask<Answer>(
    projection: Projection,
    as: ReadAs,
    ask: (manager: EntityManager) => Promise<Answer>,
  ): Promise<Read<Answer>>;
}
