import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { asReadFault, isUnavailable } from '../database-faults';
import type { Sql } from '../tables/table-sql';

export interface ReadTransaction {
  /** Bound to the transaction. */
  readonly manager: EntityManager;
  /** The same connection without TypeORM. */
  readonly sql: Sql;
}

/**
 * Runs `work` in a repeatable-read transaction that is rolled back: questions leave nothing behind.
 *
 * @throws {ReadModelsUnavailable} The connection was lost, or none was free in time.
 */
export async function inReadTransaction<Result>(
  source: DataSource,
  work: (transaction: ReadTransaction) => Promise<Result>,
): Promise<Result> {
  const runner = source.createQueryRunner();
  let broken: unknown;
  try {
    const sql = (await runner.connect()) as Sql;
    await runner.startTransaction('REPEATABLE READ');
    const result = await work({ manager: runner.manager, sql });
    await runner.rollbackTransaction();
    return result;
  } catch (fault) {
    broken = await rollbackFault(runner, fault);
    throw asReadFault(fault);
  } finally {
    await release(runner, broken);
  }
}

/** @returns What makes the connection unusable, if anything does. */
async function rollbackFault(runner: QueryRunner, cause: unknown): Promise<unknown> {
  if (isUnavailable(cause)) return cause;
  if (!runner.isTransactionActive) return undefined;
  try {
    await runner.rollbackTransaction();
    return undefined;
  } catch (fault) {
    return fault;
  }
}

/** TypeORM's runner for Postgres can throw a connection away instead of putting it back. */
async function release(runner: QueryRunner, broken: unknown): Promise<void> {
  const postgres = runner as QueryRunner & {
    releasePostgresConnection?: (fault: unknown) => Promise<void>;
  };
  if (broken !== undefined && postgres.releasePostgresConnection !== undefined)
    await postgres.releasePostgresConnection(broken);
  else await runner.release();
}
