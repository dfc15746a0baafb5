-- The connected context's events of several streams after a version each, in the order they were asked
-- for and of their versions: what many commands load in one moment costs one question.
create function :"log".load_streams(names text[], afters integer[])
returns table (
  nth integer, "position" bigint, commit_no bigint, recorded_at timestamptz(3), event_id uuid,
  version integer, schema_version smallint, context text, stream text, type text, data text, meta text
)
language plpgsql stable security definer
set search_path = :"log", pg_temp
-- Plans are made once per connection, perhaps on an empty log: nothing but the index may win.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
declare
  own constant text := session_context();
begin
  if own is null then
    raise exception using errcode = '42501', message = format('%s is no context', session_user);
  end if;
  return query
    select n, e.position, e.commit_no, e.recorded_at, e.event_id, e.version, e.schema_version,
           e.context, e.stream, e.type, e.data::text, e.meta::text
      from generate_series(1, cardinality(names)) as n
      cross join lateral (
        select l.* from event l
         where l.stream = names[n] and l.version > afters[n] and l.context = own
         order by l.version
      ) e
     order by n, e.version;
end $$;

revoke execute on function :"log".load_streams from public;
grant execute on function :"log".load_streams to :"context_role";
alter function :"log".load_streams owner to :"log_role";
