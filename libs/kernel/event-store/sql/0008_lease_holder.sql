-- So that an operator's command finds the replica that holds a run.
create function :"log".lease_holder(of_stream text) returns text
language sql stable security definer set search_path = :"log", pg_temp as $$
  select l.owner from stream_lease l
   where l.stream = of_stream and l.context = session_context()
$$;
revoke execute on function :"log".lease_holder from public;
grant execute on function :"log".lease_holder to :"context_role";
alter function :"log".lease_holder owner to :"log_role";
