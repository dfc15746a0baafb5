-- The position of the newest event that was recorded up to and with a moment; 0 when there is none.
-- `recorded_at` never goes back from one commit to the next, so the last commit is the one.
create function :"log".position_at(moment timestamptz) returns bigint
language sql stable security definer set search_path = :"log", pg_temp as $$
  select coalesce((
    select last from commit where recorded_at <= moment
     order by recorded_at desc, commit_no desc limit 1), 0)
$$;
revoke execute on function :"log".position_at from public;
grant execute on function :"log".position_at to :"context_role";
alter function :"log".position_at owner to :"log_role";
