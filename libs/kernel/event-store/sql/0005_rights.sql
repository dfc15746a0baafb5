-- Who may do what. Row level security is forced, so that it binds the owner of the tables too: the
-- owner migrates, and reads and writes nothing.

alter table :"log".event enable row level security;
alter table :"log".event force row level security;
alter table :"log".command_answer enable row level security;
alter table :"log".command_answer force row level security;
alter table :"log".receipt enable row level security;
alter table :"log".receipt force row level security;
alter table :"log".stream_lease enable row level security;
alter table :"log".stream_lease force row level security;
alter table :"log".lease_owner enable row level security;
alter table :"log".lease_owner force row level security;

-- A context reads its own rows; a subquery, so that it is computed once per statement.
create policy own_rows on :"log".event for select to :"context_role"
  using (context = (select :"log".session_context()));
create policy own_rows on :"log".command_answer for select to :"context_role"
  using (context = (select :"log".session_context()));
create policy own_rows on :"log".receipt for select to :"context_role"
  using (context = (select :"log".session_context()));

create policy all_rows on :"log".event for select to :"audit_role" using (true);

-- The functions look at the whole log, and write rows of the connected context only.
create policy machinery_reads on :"log".event for select to :"log_role" using (true);
create policy machinery_appends on :"log".event for insert to :"log_role"
  with check (context = (select :"log".session_context()));
create policy machinery on :"log".command_answer for all to :"log_role"
  using (context = (select :"log".session_context()));
create policy machinery on :"log".receipt for all to :"log_role"
  using (context = (select :"log".session_context()));
create policy machinery_reads on :"log".stream_lease for select to :"log_role" using (true);
create policy machinery_writes on :"log".stream_lease for all to :"log_role"
  using (context = (select :"log".session_context()));
create policy machinery on :"log".lease_owner for all to :"log_role"
  using (context = (select :"log".session_context()));

grant usage, create on schema :"log" to :"log_role";
grant select, insert on :"log".event, :"log".commit, :"log".command_answer to :"log_role";
grant select, insert, update, delete
  on :"log".stream_lease, :"log".lease_owner, :"log".receipt to :"log_role";

grant usage on schema :"log" to :"context_role";
grant select on :"log".event, :"log".command_answer, :"log".receipt to :"context_role";
grant select on :"log".commit to :"audit_role";

-- Functions are open to everyone unless said otherwise. Rights come before the new owner: an owner
-- of the database who is no superuser may not give them afterwards, and would only be warned.
revoke execute on all functions in schema :"log" from public;
grant execute on function :"log".session_context to :"context_role", :"log_role";
grant execute on function :"log".stand_in_line to :"log_role";
grant execute on function :"log".append_many, :"log".read_log, :"log".head, :"log".lease_renew,
  :"log".lease_resign, :"log".lease_take_over, :"log".lease_held to :"context_role";

alter function :"log".append_many owner to :"log_role";
alter function :"log".read_log owner to :"log_role";
alter function :"log".head owner to :"log_role";
alter function :"log".lease_renew owner to :"log_role";
alter function :"log".lease_resign owner to :"log_role";
alter function :"log".lease_take_over owner to :"log_role";
alter function :"log".lease_held owner to :"log_role";
