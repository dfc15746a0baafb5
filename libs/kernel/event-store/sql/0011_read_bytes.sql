-- An event may be large, and so many of them must not come at once. What counts is the text that is
-- sent: stored, a text that repeats itself takes up a ninetieth of it.

-- As it was (0003 says what comes back), and no more of the context's own events than 4 MiB of text
-- and the one that goes beyond. Row by row, so that nothing behind that one is unpacked.
drop function :"log".read_log(bigint, integer);
create function :"log".read_log(after bigint, max_rows integer)
returns table (
  "position" bigint, follows bigint, commit_no bigint, recorded_at timestamptz(3), event_id uuid,
  version integer, schema_version smallint, context text, stream text, type text, data text, meta text
)
language plpgsql stable security definer
set search_path = :"log", pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $$
#variable_conflict use_column
declare
  own constant text := session_context();
  bytes        bigint := 0;
  is_sent      boolean := true;
  e            record;
begin
  if own is null then
    raise exception using errcode = '42501', message = format('%s is no context', session_user);
  end if;
  position := greatest(after, 1) - 1;
  for e in
    select l.* from event l
     where l.position >= greatest(after, 1)
     order by l.position
     limit max_rows + case when after > 0 then 1 else 0 end
  loop
    exit when bytes > 4194304;
    follows := position;
    position := e.position;
    if e.context = own then
      commit_no := e.commit_no;
      recorded_at := e.recorded_at;
      event_id := e.event_id;
      version := e.version;
      schema_version := e.schema_version;
      context := e.context;
      stream := e.stream;
      type := e.type;
      data := e.data::text;
      meta := e.meta::text;
      if e.position > after then
        bytes := bytes + octet_length(data) + octet_length(meta);
      end if;
      is_sent := true;
    else
      commit_no := null;
      recorded_at := null;
      event_id := null;
      version := null;
      schema_version := null;
      context := null;
      stream := null;
      type := null;
      data := null;
      meta := null;
      is_sent := e.position = after or follows <> e.position - 1;
    end if;
    if is_sent then
      return next;
    end if;
  end loop;
  -- The last row looked at says how far this went.
  if not is_sent then
    return next;
  end if;
end $$;

revoke execute on function :"log".read_log from public;
grant execute on function :"log".read_log to :"context_role";
alter function :"log".read_log owner to :"log_role";

-- Bytes of the text of data and meta of the rows of a window, for whoever reads the table itself. What
-- is behind the bound is not unpacked: the sum stays as it is, beyond the bound.
create function :"log".add_text_bytes(so_far bigint, data json, meta json, bound bigint) returns bigint
language plpgsql immutable as $$
begin
  return case
    when so_far > bound then so_far
    else so_far + octet_length(data::text) + octet_length(meta::text)
  end;
end $$;
create aggregate :"log".text_bytes(data json, meta json, bound bigint) (
  sfunc = :"log".add_text_bytes, stype = bigint, initcond = '0'
);
revoke execute on function :"log".add_text_bytes, :"log".text_bytes from public;
grant execute on function :"log".add_text_bytes, :"log".text_bytes to :"audit_role";
