import type { LogDatabase } from '@downbeat/event-store/testing';

/**
 * What somebody with the superuser's rights can do: change events past the triggers, and give every
 * commit from there on the hash that fits. Afterwards the chain verifies.
 *
 * @param change SQL that changes rows of `log.event`.
 */
export async function rewriteLog(database: LogDatabase, change: string): Promise<void> {
  await database.asOwner(async (owner) => {
    await owner.query('begin');
    await owner.query('set local session_replication_role = replica');
    const { rowCount } = await owner.query(change);
    if (!rowCount) throw new Error('nothing was changed');
    await owner.query(HASH_ANEW);
    await owner.query('commit');
  });
}

const HASH_ANEW = `
do $$
declare
  c        log.commit;
  previous bytea := decode(repeat('00', 32), 'hex');
  moment   text;
begin
  for c in select * from log.commit order by commit_no loop
    moment := to_char(c.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
    select sha256(
             previous
             || convert_to(concat_ws(' ', 'commit', c.commit_no, c.first, c.last, moment) || E'\\n', 'UTF8')
             || string_agg(convert_to(concat(
                  concat_ws(' ', e.position, e.event_id, e.version, e.schema_version, moment,
                    octet_length(e.context), octet_length(e.stream), octet_length(e.type),
                    octet_length(e.data::text), octet_length(e.meta::text)), E'\\n',
                  e.context, e.stream, e.type, e.data, e.meta), 'UTF8'), ''::bytea order by e.position))
      into previous
      from log.event e where e.commit_no = c.commit_no;
    update log.commit set hash = previous where commit_no = c.commit_no;
  end loop;
end $$`;
