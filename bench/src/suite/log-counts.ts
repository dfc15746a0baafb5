import { Client } from 'pg';
import type { Position } from '@downbeat/eventsourcing';

/** An event of a run that begins or ends it. */
export interface RunMark {
  readonly type: string;
  readonly correlation_id: string;
  readonly position: Position;
}

/** The suite's database, asked as its owner: what is counted there nobody can argue with. */
export class LogCounts {
  private readonly client: Client;

  constructor(databaseUrl: string) {
    this.client = new Client({
      connectionString: databaseUrl,
      application_name: 'downbeat-bench',
      connectionTimeoutMillis: 10_000,
      query_timeout: 60_000,
    });
    this.client.on('error', () => undefined); // The query under way fails and says so.
  }

  async open(): Promise<void> {
    await this.client.connect();
  }

  async close(): Promise<void> {
    await this.client.end();
  }

  /** `17.10`. */
  async serverVersion(): Promise<string> {
    const { rows } = await this.client.query<{ server_version: string }>('show server_version');
    return rows[0]?.server_version ?? 'unknown';
  }

  /** Spans in the view of traces. */
  async spansShown(): Promise<number> {
    return this.number('select coalesce(sum(span_count), 0) as n from observability.trace_chunk');
  }

  async head(): Promise<Position> {
    return this.number('select coalesce(max(position), 0) as n from log.event');
  }

  /** Commits of the log: rows of `log.commit`, whose numbers have no gaps. */
  async logCommits(): Promise<number> {
    return this.number('select coalesce(max(commit_no), 0) as n from log.commit');
  }

  /** All transactions of the database that committed, those that only read too. */
  async transactions(): Promise<number> {
    return this.number(
      'select xact_commit as n from pg_stat_database where datname = current_database()',
    );
  }

  /** Instances that were registered, each once however often it was. @param prefix Of their ids; no `%` or `_`. */
  async instancesRegistered(prefix: string): Promise<number> {
    return this.number(
      `select count(distinct stream) as n from log.event
       where type = 'InstanceRegistered' and stream like 'instance-${prefix}%'`,
    );
  }

  /** Runs that began after a position. */
  startsAfter(position: Position): Promise<readonly RunMark[]> {
    return this.marksAfter(position, ['WorkflowStarted']);
  }

  /** Runs that ended after a position; a run that ended twice is there twice. */
  endsAfter(position: Position): Promise<readonly RunMark[]> {
    return this.marksAfter(position, [
      'WorkflowCompleted',
      'WorkflowFailed',
      'WorkflowCompensated',
    ]);
  }

  /** When each step after a position was recorded as done, in ms since 1970, by `<run>:<step>`. */
  async recordedSteps(position: Position): Promise<ReadonlyMap<string, number>> {
    const { rows } = await this.client.query<{ key: string; at_ms: number }>(
      `select substr(stream, length('workflow-') + 1) || ':' || (data ->> 'step') as key,
              extract(epoch from recorded_at)::float8 * 1000 as at_ms
       from log.event where position > $1 and type = 'StepCompleted'`,
      [position],
    );
    return new Map(rows.map(({ key, at_ms }) => [key, at_ms]));
  }

  /** What each server process works for, by pid. */
  async connections(): Promise<ReadonlyMap<number, string>> {
    const { rows } = await this.client.query<{ pid: number; name: string }>(
      `select pid, coalesce(nullif(application_name, ''), backend_type) as name from pg_stat_activity`,
    );
    return new Map(rows.map(({ pid, name }) => [pid, name]));
  }

  /** Makes the next start of the owning app build a read model from nothing. */
  async dropReadModel(schema: string, projection: string): Promise<void> {
    const { rows } = await this.client.query<{ tables: string[]; version: number }>(
      `select tables, version from "${schema}".projection where name = $1`,
      [projection],
    );
    for (const { tables, version } of rows)
      for (const table of tables)
        await this.client.query(`drop table if exists "${schema}"."${table}_v${version}" cascade`);
    await this.client.query(`delete from "${schema}".projection where name = $1`, [projection]);
  }

  private async marksAfter(
    position: Position,
    types: readonly string[],
  ): Promise<readonly RunMark[]> {
    const { rows } = await this.client.query<RunMark>(
      `select type, meta ->> 'correlation_id' as correlation_id, position::float8
       from log.event where position > $1 and type = any($2)`,
      [position, types],
    );
    return rows;
  }

  private async number(query: string): Promise<number> {
    const { rows } = await this.client.query<{ n: string }>(query);
    return Number(rows[0]?.n);
  }
}
