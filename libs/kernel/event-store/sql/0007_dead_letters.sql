-- Messages that were given up on. Not events: a context that cannot make sense of a message has
-- nothing to say about it. What an operator decides about one is an event of the messaging context.
create table :"log".dead_letter (
  id             uuid primary key,
  context        text collate "C" not null default :"log".session_context(),
  consumer       text collate "C" not null,
  subject        text collate "C" not null,
  message_id     text collate "C" not null,
  reason         text not null,
  -- The same for all letters with the same cause.
  cause          text collate "C" not null,
  attempts       integer not null,
  headers        json not null,
  -- Bytes: a message may hold what text cannot.
  body           bytea not null,
  correlation_id text collate "C" not null,
  status         text collate "C" not null default 'quarantined'
                 check (status in ('quarantined', 'redriving', 'redriven', 'discarded')),
  redrives       integer not null default 0,
  quarantined_at timestamptz(3) not null default clock_timestamp(),
  changed_at     timestamptz(3) not null default clock_timestamp(),
  resolution     text
);
create index dead_letter_newest on :"log".dead_letter (quarantined_at desc, id);
create index dead_letter_redriving on :"log".dead_letter (changed_at) where status = 'redriving';

alter table :"log".dead_letter enable row level security;
alter table :"log".dead_letter force row level security;

-- A context quarantines its own messages; the messaging context sees and settles everyone's.
create policy own_rows on :"log".dead_letter for all to :"context_role"
  using (context = (select :"log".session_context())
         or (select :"log".session_context()) = 'messaging')
  with check (context = (select :"log".session_context())
              or (select :"log".session_context()) = 'messaging');
grant select, insert, update on :"log".dead_letter to :"context_role";

-- A context sees who has applied its publications: what nobody confirms is sent again.
create policy receipts_of_own_publications on :"log".receipt for select to :"context_role"
  using (source = (select :"log".session_context()));
