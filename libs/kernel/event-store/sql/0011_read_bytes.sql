-- As it was (0003 says what comes back), and no more of the context's own events than 4 MiB as they are
-- stored and one more: an event may be large, and so many of them must not come at once.
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
            select e.*, lag(e.position, 1, greatest(after, 1) - 1) over (order by e.position) as follows,
                   -- As stored, so that nothing is unpacked to be measured.
                   sum(case when e.context = own and e.position > after then pg_column_size(e.data) else 0 end)
                     over (order by e.position rows between unbounded preceding and 1 preceding) as before
              from event e
             where e.position >= greatest(after, 1)
             order by e.position
             limit max_rows + case when after > 0 then 1 else 0 end
          ) w
         where w.before is null or w.before <= 4194304
      ) s
     where s.context = own or s.next is null or s.position = after or s.follows <> s.position - 1
     order by s.position;
end $$;

revoke execute on function :"log".read_log from public;
grant execute on function :"log".read_log to :"context_role";
alter function :"log".read_log owner to :"log_role";
