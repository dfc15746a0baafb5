-- Answers of commands are remembered so that a command sent again is told from a new one. Nobody sends
-- one again after weeks, and the event that came of it stays: so the oldest are forgotten.

-- A range of one context's, which ends where nothing is old: what is freed and written anew is all over
-- the table, so an index by pages (BRIN) would soon find every page.
create index command_answer_recorded_at on :"log".command_answer (context, recorded_at);
-- What was forgotten lies at the beginning of that range until it is cleaned away.
alter table :"log".command_answer
  set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- Forgets answers of the connected context that are older than this, at most max_rows of them.
-- Returns how many; 0 as well while somebody else is at it.
create function :"log".forget_answers(kept_days double precision, max_rows integer) returns integer
language plpgsql volatile security definer
set search_path = :"log", pg_temp
-- Plans are made once per connection, perhaps on an empty table: nothing but the index may win.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  own     constant text := session_context();
  -- A clock in the condition itself would change with every row, and no index could be asked for it.
  oldest  constant timestamptz := clock_timestamp() - kept_days * interval '1 day';
  forgone integer;
begin
  if kept_days is null or kept_days < 1 then
    raise exception using errcode = '22023', message = 'answers are kept for a day at least';
  end if;
  if not pg_try_advisory_xact_lock(hashtextextended('downbeat.forget_answers ' || own, 0)) then
    return 0;
  end if;
  delete from command_answer c
   where c.ctid = any (array(
     select o.ctid from command_answer o
      where o.context = own and o.recorded_at < oldest
      order by o.recorded_at
      limit max_rows));
  get diagnostics forgone = row_count;
  return forgone;
end $$;

grant delete on :"log".command_answer to :"log_role";
revoke execute on function :"log".forget_answers from public;
grant execute on function :"log".forget_answers to :"context_role";
alter function :"log".forget_answers owner to :"log_role";
