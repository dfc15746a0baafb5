import { DatabaseError, Pool, types, type PoolConfig } from 'pg';
import { Fault } from '@downbeat/eventsourcing';
import { EventStoreUnavailable, LogGap } from './errors';

/** Every time-out is explicit: `pg` has none of its own. Milliseconds. */
export interface Timeouts {
  /** To get a connection; default 5,000. */
  readonly connectMs?: number;
  /** After which the server gives a statement up; default 5,000. */
  readonly statementMs?: number;
  /** After which we give up on an answer and close the connection; default 1,000 more than the statement's. */
  readonly answerMs?: number;
}

export interface DatabaseOptions {
  /** Of the context's own role. */
  readonly databaseUrl: string;
  /** The log's name; default `log`. */
  readonly logName?: string;
  readonly timeouts?: Timeouts;
  /** Told of what fails with nobody waiting for it, such as a lost idle connection; default a process warning. */
  readonly report?: (fault: Error) => void;
}

export const LOG_NAME = /^[a-z][a-z0-9_]{0,30}$/;

/** @throws {RangeError} Not a name that can stand in a statement as it is. */
export function logNameOf({ logName = 'log' }: DatabaseOptions): string {
  if (!LOG_NAME.test(logName)) throw new RangeError(`${logName} cannot be the name of a log`);
  return logName;
}

export const reporterOf = ({ report }: DatabaseOptions): ((fault: Error) => void) =>
  report ?? ((fault) => process.emitWarning(`event store: ${fault.message}`));

/** No JIT for look-ups; UTC for the text of instants; what `append_many` relies on. */
const SESSION = ['jit=off', 'timezone=UTC', 'default_transaction_isolation=read\\ committed'];

const PLANNING = {
  // Made once, perhaps while a table is nearly empty: a scan of it must not be what is remembered.
  'generic plans': ['plan_cache_mode=force_generic_plan', 'enable_seqscan=off'],
  'custom plans': ['plan_cache_mode=force_custom_plan'],
};

/**
 * At most `max` connections that outlive quiet spells; a lost one is reported and replaced. Plans
 * are generic, as the statements are prepared, unless the values decide which index serves best.
 */
export function poolOf(
  options: DatabaseOptions,
  name: string,
  max: number,
  plans: keyof typeof PLANNING = 'generic plans',
): Pool {
  const { connectMs = 5_000, statementMs = 5_000 } = options.timeouts ?? {};
  const config: PoolConfig = {
    connectionString: options.databaseUrl,
    application_name: `downbeat-${name}`,
    max,
    idleTimeoutMillis: 60_000,
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    query_timeout: options.timeouts?.answerMs ?? statementMs + 1_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    options: [...SESSION, ...PLANNING[plans]].map((setting) => `-c ${setting}`).join(' '),
    types: { getTypeParser: textUnlessNumber as typeof types.getTypeParser },
  };
  const pool = new Pool(config);
  pool.on('error', reporterOf(options));
  return pool;
}

const asText = (text: string): string => text;

/** Integers as numbers (positions stay far below 2^53), the rest as text: JSON is parsed where it is wanted. */
function textUnlessNumber(type: number, format?: 'text' | 'binary') {
  if (format === 'binary') return types.getTypeParser(type, format);
  const isInteger =
    type === types.builtins.INT8 || type === types.builtins.INT4 || type === types.builtins.INT2;
  if (isInteger) return Number;
  return type === types.builtins.BOOL ? types.getTypeParser(type) : asText;
}

/** Data that the database will never take: SQLSTATE classes 22 (data), 23 (integrity), 42 (rights, syntax), 54 (limits). */
export const isRefusal = (fault: unknown): fault is DatabaseError =>
  fault instanceof DatabaseError && /^(22|23|42|54)/.test(fault.code ?? '');

/**
 * What a fault of `pg` means to a caller: the log is not whole (raised by the log's own functions),
 * the statement is wrong in itself, or there was no answer: no connection, a lost one, a time-out, a
 * server that stops or is full.
 */
export function faultOf(fault: unknown): Error {
  if (fault instanceof Fault) return fault;
  if (fault instanceof DatabaseError && fault.code === 'DB001') {
    const [last = 0, end = 0] = (fault.detail ?? '').split(' ').map(Number);
    return new LogGap(last, end);
  }
  if (isRefusal(fault)) return fault;
  const why = fault instanceof Error ? fault.message : String(fault);
  return new EventStoreUnavailable(`the event store did not answer: ${why}`, { cause: fault });
}
