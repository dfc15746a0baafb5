import pg from 'pg';

/** One thing that the database saw happen to a lease, in the order in which it happened. */
export interface Sight {
  readonly id: number;
  /** Milliseconds, by the database's clock. */
  readonly at: number;
  readonly kind: 'append' | 'take-over';
  readonly stream: string;
  /** Of an append: who said it held the stream, in which epoch. Of a take-over: who holds it from now on. */
  readonly owner: string;
  readonly epoch: number;
  /** Of an append: `acquire`, `hold`, `release`; of a take-over: who held it before. */
  readonly detail: string;
  /** Of an append: `appended`, or why not; `lease` is a stale or foreign epoch. */
  readonly outcome: string;
  /** Of an append: the position of its last event. */
  readonly position: number;
}

/**
 * Stands between the processes and the log's functions in the drill's own database, and writes down
 * what each append said of its lease and what became of it, and each take-over. So what is proved
 * of leases is proved by what the database did, and not by what the engine says.
 */
export class Witness {
  private constructor(private readonly pool: pg.Pool) {}

  /**
   * Before anything has used the functions: statements that are prepared stay with the old ones.
   *
   * @param isEpochChecked False plants a bug: whoever appends is taken for the holder.
   */
  static async install(databaseUrl: string, isEpochChecked: boolean): Promise<void> {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      await client.query(SCHEMA);
      const { rows } = await client.query<FoundFunction>(FUNCTION);
      const [found] = rows;
      if (!found) throw new Error('there is no append_many to stand in front of');
      await client.query(wrapperOf(found, isEpochChecked));
    } finally {
      await client.end();
    }
  }

  static connect(databaseUrl: string): Witness {
    const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
    pool.on('error', () => undefined);
    return new Witness(pool);
  }

  /** All of it, oldest first. */
  async sights(after = 0): Promise<readonly Sight[]> {
    const { rows } = await this.pool.query<Sight>(
      `select id::int, extract(epoch from at)::float8 * 1000 as at, kind, stream, owner, epoch,
              detail, outcome, position::float8 as position
         from witness.sight where id > $1 order by id`,
      [after],
    );
    return rows;
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}

const SCHEMA = `
  create schema witness;
  create table witness.sight (
    id bigserial primary key, at timestamptz not null default clock_timestamp(), kind text not null,
    stream text not null, owner text, epoch integer, detail text not null,
    outcome text not null default '', position bigint not null default 0);
  create function witness.taken_over() returns trigger language plpgsql security definer as $$
  begin
    insert into witness.sight (kind, stream, owner, epoch, detail)
      values ('take-over', new.stream, new.owner, new.epoch, old.owner);
    return null;
  end $$;
  create trigger taken_over after update on log.stream_lease
    for each row when (old.owner is distinct from new.owner)
    execute function witness.taken_over()`;

interface FoundFunction {
  readonly arguments: string;
  readonly result: string;
  readonly identity: string;
}

const FUNCTION = `
  select pg_get_function_arguments(oid) as arguments,
         pg_get_function_result(oid) as result,
         pg_get_function_identity_arguments(oid) as identity
    from pg_proc where proname = 'append_many' and pronamespace = 'log'::regnamespace`;

/** What the bug does: whoever holds the stream now is put in the place of whoever appends. */
const TAKEN_FOR_HOLDER = `
  select array_agg(coalesce(l.owner, lease_owners[a]) order by a),
         array_agg(coalesce(l.epoch, lease_epochs[a]) order by a)
    into said_owners, said_epochs
    from generate_series(1, cardinality(streams)) as a
    left join log.stream_lease l on l.stream = streams[a]`;

const wrapperOf = (
  { arguments: parameters, identity, result }: FoundFunction,
  isEpochChecked: boolean,
): string => `
  alter function log.append_many(${identity}) rename to append_many_seen;
  create function log.append_many(${parameters})
  returns ${result}
  language plpgsql volatile security definer as $$
  #variable_conflict use_column
  declare
    said_owners text[] := lease_owners;
    said_epochs integer[] := lease_epochs;
  begin
    ${isEpochChecked ? '' : `${TAKEN_FOR_HOLDER};`}
    return query
      with done as materialized (
        select d.* from log.append_many_seen(for_context, streams, expected, counts, metas, command_ids,
          answers, lease_uses, said_owners, said_epochs, receipt_consumers, receipt_sources,
          receipt_numbers, event_ids, types, schema_versions, datas, payload_hashes)
          with ordinality as d(outcome, version, "position", answer, recorded_at, commit_no, nth)
      ), seen as (
        insert into witness.sight (kind, stream, owner, epoch, detail, outcome, position)
          select 'append', streams[nth], lease_owners[nth], lease_epochs[nth], lease_uses[nth],
                 d.outcome, coalesce(d."position", 0)
            from done d where lease_uses[nth] is not null order by nth
      )
      select d.outcome, d.version, d."position", d.answer, d.recorded_at, d.commit_no
        from done d order by d.nth;
  end $$;
  revoke execute on function log.append_many from public;
  do $$ declare role text; begin
    for role in select grantee::regrole::text from pg_proc p, aclexplode(p.proacl)
                 where p.proname = 'append_many_seen' and grantee <> 0
    loop execute format('grant execute on function log.append_many to %s', role); end loop;
  end $$`;
