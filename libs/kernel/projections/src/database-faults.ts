import { ReadModelsUnavailable } from './errors';

/** SQLSTATE of a fault, also when TypeORM wrapped it. */
export function sqlState(fault: unknown): string | undefined {
  const code: unknown = (fault as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/**
 * Postgres refuses a row for what it holds: data exception (22), integrity constraint (23), program
 * limit such as an index entry that is too long (54). Trying again cannot help.
 */
export const isRefusedRow = (fault: unknown): boolean =>
  /^(22|23|54)[0-9A-Z]{3}$/.test(sqlState(fault) ?? '');

/** No row, no column, no table of that name: it is not there (yet). */
export const isMissingTable = (fault: unknown): boolean => sqlState(fault) === '42P01';

/** No column of that name: the tables are those of another version. */
export const isMissingColumn = (fault: unknown): boolean => sqlState(fault) === '42703';

/** A lock was not granted within `lock_timeout`. */
export const isLockNotGranted = (fault: unknown): boolean => sqlState(fault) === '55P03';

/**
 * Connection exception (08), out of resources (53), operator intervention (57), a lock not granted
 * in time (55P03), the node system codes, and `pg`'s own time-outs, which have a text only.
 */
export function isUnavailable(fault: unknown): boolean {
  const code = sqlState(fault) ?? '';
  if (/^(08|53|57)[0-9A-Z]{3}$/.test(code) || code === '55P03' || code === '25P03') return true;
  if (/^E[A-Z]{3,}$/.test(code)) return true;
  const text = fault instanceof Error ? fault.message : '';
  return /timeout exceeded when trying to connect|Connection terminated|Query read timeout|Client has encountered a connection error|not queryable|after calling end on the pool/.test(
    text,
  );
}

/** The fault for whoever asked: known ones as they are, lost connections by their name. */
export const asReadFault = (fault: unknown): unknown =>
  isUnavailable(fault)
    ? new ReadModelsUnavailable('the read models cannot be reached', { cause: fault })
    : fault;
