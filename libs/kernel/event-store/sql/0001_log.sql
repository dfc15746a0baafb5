-- The log: what happened, in one order, for ever.
-- :"log" is the name of the log's schema. The roles exist before: :"log_role" owns the functions and
-- cannot log in, every context's role is a member of :"context_role", :"audit_role" is one of those.
-- A context's role is called :'role_prefix' and then the context.
-- Text columns that are compared use the collation "C": fast, and the same on every machine.

create table :"log".event (
  position       bigint primary key,
  commit_no      bigint not null,
  recorded_at    timestamptz(3) not null,
  event_id       uuid not null,
  version        integer not null check (version > 0),
  schema_version smallint not null check (schema_version >= 0),
  context        text collate "C" not null,
  stream         text collate "C" not null check (length(stream) between 1 and 200),
  type           text collate "C" not null,
  -- json keeps the text as it was sent, which is what the hash covers; jsonb would rewrite it.
  data           json not null,
  meta           json not null,
  unique (stream, version)
);

-- One row per transaction that appended events: positions first..last, chained by hash.
create table :"log".commit (
  commit_no   bigint primary key,
  first       bigint not null,
  last        bigint not null check (last >= first),
  recorded_at timestamptz(3) not null,
  hash        bytea not null check (length(hash) = 32)
);
create index commit_recorded_at on :"log".commit (recorded_at, commit_no);

create table :"log".command_answer (
  context     text collate "C" not null,
  command_id  text collate "C" not null,
  stream      text collate "C" not null,
  version     integer not null,
  position    bigint not null,
  answer      json not null,
  recorded_at timestamptz(3) not null,
  primary key (context, command_id)
);

create table :"log".stream_lease (
  stream      text collate "C" primary key,
  context     text collate "C" not null,
  owner       text collate "C" not null,
  epoch       integer not null,
  acquired_at timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
create index stream_lease_owner on :"log".stream_lease (owner);

-- An owner is one life of one process. Once its streams were taken over, that life is over.
create table :"log".lease_owner (
  context       text collate "C" not null,
  owner         text collate "C" not null,
  expires_at    timestamptz not null,
  taken_over_at timestamptz,
  primary key (context, owner)
) with (fillfactor = 50);

create table :"log".receipt (
  context    text collate "C" not null,
  consumer   text collate "C" not null,
  source     text collate "C" not null,
  number     bigint not null,
  updated_at timestamptz(3) not null,
  primary key (context, consumer, source)
) with (fillfactor = 50);

-- Append-only, for everyone: a statement trigger costs an insert nothing.
create function :"log".refuse_change() returns trigger
language plpgsql as $$
begin
  raise exception using
    errcode = 'DB002',
    message = format('%I.%I is append-only', tg_table_schema, tg_table_name),
    hint = 'Append an event that corrects the earlier one.';
end $$;

create trigger append_only before update or delete on :"log".event
  for each statement execute function :"log".refuse_change();
create trigger append_only_truncate before truncate on :"log".event
  for each statement execute function :"log".refuse_change();
create trigger append_only before update or delete on :"log".commit
  for each statement execute function :"log".refuse_change();
create trigger append_only_truncate before truncate on :"log".commit
  for each statement execute function :"log".refuse_change();

-- The context of whoever is connected. session_user stays the same inside security definer
-- functions and cannot be changed without a new connection.
create function :"log".session_context() returns text
language sql stable as $$
  select case when starts_with(session_user, :'role_prefix')
         then substr(session_user, length(:'role_prefix') + 1) end
$$;

-- Everyone who appends or takes leases over stands in one line per log, held to the end of the
-- transaction: so positions have no gaps and are visible in their order.
create function :"log".stand_in_line() returns void
language plpgsql set search_path = :"log", pg_temp as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception using
      errcode = '25001',
      message = 'the log is appended to in read committed only',
      detail = 'An older snapshot would not show what those ahead in the line have written.';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('downbeat.' || current_schema(), 0));
end $$;
