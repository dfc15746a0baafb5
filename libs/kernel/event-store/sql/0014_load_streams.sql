-- The connected context's events of several streams after a version each, in the order they were asked
-- for and of their versions: what many commands load in one moment costs one question. No more at once than
-- asked for:
--   rows_max   events of all streams together; each has the same share of them, and at least one.
--   bytes_max  of the text of data and meta, shared in the same way; one event may go beyond.
-- For a stream that has more, a row follows its events that has nothing but `nth`.
-- Row by row, so that nothing behind a bound is unpacked.
create function :"log".load_streams(
  names     text[],
  afters    integer[],
  rows_max  integer,
  bytes_max bigint
) returns table (
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
  own         constant text    := session_context();
  size        constant integer := greatest(cardinality(names), 1);
  rows_share  constant integer := greatest(rows_max / size, 1);
  bytes_share constant bigint  := bytes_max / size;
  bytes_sent  bigint := 0;
  rows_own    integer;
  bytes_own   bigint;
  has_more    boolean;
  e           record;
begin
  if own is null then
    raise exception using errcode = '42501', message = format('%s is no context', session_user);
  end if;
  for n in 1 .. cardinality(names) loop
    nth := n;
    rows_own := 0;
    bytes_own := 0;
    has_more := bytes_sent > bytes_max;
    if not has_more then
      for e in
        select l.* from event l
         where l.stream = names[n] and l.version > afters[n] and l.context = own
         order by l.version
         limit rows_share + 1
      loop
        has_more := rows_own >= rows_share or bytes_own > bytes_share;
        exit when has_more;
        position := e.position;
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
        rows_own := rows_own + 1;
        bytes_own := bytes_own + octet_length(data) + octet_length(meta);
        return next;
      end loop;
      bytes_sent := bytes_sent + bytes_own;
    end if;
    if has_more then
      position := null;
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
      return next;
    end if;
  end loop;
end $$;

revoke execute on function :"log".load_streams from public;
grant execute on function :"log".load_streams to :"context_role";
alter function :"log".load_streams owner to :"log_role";
