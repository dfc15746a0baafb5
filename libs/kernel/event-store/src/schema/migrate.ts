import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { LOG_NAME } from '../database';
import { CONTEXTS, ROLE_PREFIX, contextRole, logRole, provideRoles, roleOf } from './roles';

/** Beside `src` and beside `dist` alike. */
const SQL_DIRECTORY = join(__dirname, '..', '..', 'sql');

export interface MigrateOptions {
  /** By context; a role whose password is not given keeps the one it has. Printable ASCII. */
  readonly passwords?: Readonly<Record<string, string>>;
  /** Contexts that get a role and a schema; default {@link CONTEXTS}. */
  readonly contexts?: readonly string[];
  /** The log's name, which is its schema's; default `log`. */
  readonly logName?: string;
  /**
   * Begins the names of all roles; default `downbeat`. Roles belong to the whole cluster: suites that
   * share one and do not share passwords need prefixes of their own.
   */
  readonly rolePrefix?: string;
  /** How long to wait for another process that migrates; default 60,000. */
  readonly waitMs?: number;
}

/**
 * Brings a database to what this library needs: roles, the log's schema, and a schema for each
 * context's read models. Safe to repeat, and safe when several processes start at once.
 *
 * @param databaseUrl The owner's: a superuser, or a role with CREATEROLE and CREATE on the database.
 */
export async function migrate(databaseUrl: string, options: MigrateOptions = {}): Promise<void> {
  const { contexts = CONTEXTS, logName = 'log', passwords = {}, waitMs = 60_000 } = options;
  const prefix = options.rolePrefix ?? ROLE_PREFIX;
  if (!LOG_NAME.test(logName)) throw new RangeError(`${logName} cannot be the name of a log`);
  const owner = new Client({
    connectionString: databaseUrl,
    application_name: 'downbeat-migrate',
    connectionTimeoutMillis: 10_000,
    query_timeout: waitMs + 10_000,
  });
  // A lost connection fails the query under way; without a listener it would end the process too.
  owner.on('error', () => undefined);
  await owner.connect();
  try {
    await owner.query(`set lock_timeout = ${Math.trunc(waitMs)}`);
    await owner.query(`select pg_advisory_lock(hashtextextended('downbeat.migrate', 0))`);
    await provideRoles(owner, prefix, [...contexts, 'audit'], passwords);
    await owner.query(`create schema if not exists ${escapeIdentifier(logName)}`);
    await runMigrations(databaseUrl, logName, prefix);
    for (const context of contexts) await provideSchema(owner, context, prefix);
  } finally {
    // Ends the session, and with it the lock.
    await owner.end();
  }
}

async function runMigrations(databaseUrl: string, logName: string, prefix: string): Promise<void> {
  const files = (await readdir(SQL_DIRECTORY)).filter((file) => file.endsWith('.sql')).sort();
  // Written as psql writes its variables, so that psql can run the files too.
  const variables = {
    ':"log"': escapeIdentifier(logName),
    ':"log_role"': escapeIdentifier(logRole(prefix)),
    ':"context_role"': escapeIdentifier(contextRole(prefix)),
    ':"audit_role"': escapeIdentifier(roleOf('audit', prefix)),
    ":'role_prefix'": escapeLiteral(`${prefix}_`),
  };
  const source = new DataSource({
    type: 'postgres',
    url: databaseUrl,
    schema: logName,
    synchronize: false,
    migrations: files.map((file) => migrationOf(file, variables)),
    migrationsTableName: 'migration',
    applicationName: 'downbeat-migrate',
    connectTimeoutMS: 10_000,
    // One connection: migrations run one after another.
    poolSize: 1,
    poolErrorHandler: () => undefined,
  });
  await source.initialize();
  try {
    await source.runMigrations({ transaction: 'all' });
  } finally {
    await source.destroy();
  }
}

/** `0001_log.sql` as a migration class. TypeORM orders by the 13 digits at the end of the name. */
function migrationOf(
  file: string,
  variables: Readonly<Record<string, string>>,
): new () => MigrationInterface {
  const number = Number(file.slice(0, 4));
  const name = `${file.slice(5, -4)}${1_700_000_000_000 + number}`;
  return class implements MigrationInterface {
    readonly name = name;

    async up(runner: QueryRunner): Promise<void> {
      let sql = await readFile(join(SQL_DIRECTORY, file), 'utf8');
      for (const [name, value] of Object.entries(variables)) sql = sql.replaceAll(name, value);
      await runner.query(sql);
    }

    async down(): Promise<void> {
      throw new Error(`${name} goes forward only: the log is append-only`);
    }
  };
}

/** The context's role may create its read models there; nobody else sees them. */
async function provideSchema(owner: Client, context: string, prefix: string): Promise<void> {
  const schema = escapeIdentifier(context);
  const role = escapeIdentifier(roleOf(context, prefix));
  await owner.query(`create schema if not exists ${schema}`);
  await owner.query(`grant usage, create on schema ${schema} to ${role}`);
}

/** The same database seen by a context's role. */
export function contextUrl(
  databaseUrl: string,
  context: string,
  password: string,
  rolePrefix: string = ROLE_PREFIX,
): string {
  const url = new URL(databaseUrl);
  url.username = roleOf(context, rolePrefix);
  url.password = encodeURIComponent(password);
  return url.href;
}
