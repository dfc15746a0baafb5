-- A stretch of the log as the connected context may see it, with the proof that nothing is missing.
--
-- Looks at the row `after` itself (when it is not 0) and at most max_rows positions behind it. Rows
-- come back for: `after`, the context's own events, the last row looked at, and every row that does
-- not follow the one before it. `follows` is the position of the row before (`after` - 1 for the
-- first), so for each row of an undamaged log `follows` = `position` - 1, and rows left out followed
-- too. Events of other contexts have nothing but a position.
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
begin
  if own is null then
    raise exception using errcode = '42501', message = format('%s is no context', session_user);
  end if;
  return query
    select s.position, s.follows,
           case when s.context = own then s.commit_no end,
           case when s.context = own then s.recorded_at end,
           case when s.context = own then s.event_id end,
           case when s.context = own then s.version end,
           case when s.context = own then s.schema_version end,
           case when s.context = own then s.context end,
           case when s.context = own then s.stream end,
           case when s.context = own then s.type end,
           case when s.context = own then s.data::text end,
           case when s.context = own then s.meta::text end
      from (
        select w.*, lead(w.position) over (order by w.position) as next
          from (
            select e.*, lag(e.position, 1, greatest(after, 1) - 1) over (order by e.position) as follows
              from event e
             where e.position >= greatest(after, 1)
             order by e.position
             limit max_rows + case when after > 0 then 1 else 0 end
          ) w
      ) s
     where s.context = own or s.next is null or s.position = after or s.follows <> s.position - 1
     order by s.position;
end $$;

-- Position of the newest event, whoever's it is.
create function :"log".head() returns bigint
language sql stable security definer set search_path = :"log", pg_temp as $$
  select coalesce(max(position), 0) from event
$$;
