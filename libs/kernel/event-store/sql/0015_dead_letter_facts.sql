-- What happens to a dead letter becomes an event of the messaging context, which reads here what it has
-- not told yet. The row is written first, by whoever gave up, and in the same moment counted as changed.
alter table :"log".dead_letter
  -- Counts what happened to the letter, and up to where that was told.
  add column change    bigint not null default 1,
  add column told      bigint not null default 0,
  -- The newest text to be sent; the original is 1.
  add column revision  integer not null default 1,
  -- What is sent instead of the original by the redrive under way, by the SHA-256 of what an operator wrote.
  add column content   text collate "C",
  -- When the bus had the copy of the redrive that is under way.
  add column sent_at   timestamptz(3),
  -- Since when body, headers and the exact reason are gone.
  add column purged_at timestamptz(3);

create index dead_letter_untold on :"log".dead_letter (changed_at, id) where told < change;
create index dead_letter_of_cause on :"log".dead_letter (cause, quarantined_at desc);
-- By age, of those that can be purged.
create index dead_letter_resolved on :"log".dead_letter (changed_at, id)
  where status in ('redriven', 'discarded') and purged_at is null;

create function :"log".count_dead_letter_changes() returns trigger
language plpgsql
as $$
begin
  new.change := old.change + 1;
  return new;
end $$;
revoke execute on function :"log".count_dead_letter_changes from public;

create trigger count_changes before update on :"log".dead_letter for each row
  when ((old.status, old.redrives, old.attempts, old.reason, old.resolution)
        is distinct from (new.status, new.redrives, new.attempts, new.reason, new.resolution))
  execute function :"log".count_dead_letter_changes();

-- What operators wrote to be sent in place of a letter; the original stays in the letter itself. Under
-- its hash, so that writing it again changes nothing; which of them counts is told by events.
create table :"log".dead_letter_content (
  letter_id uuid not null references :"log".dead_letter (id),
  hash      text collate "C" not null,
  subject   text collate "C" not null,
  headers   json not null,
  body      bytea not null,
  primary key (letter_id, hash)
);
alter table :"log".dead_letter_content enable row level security;
alter table :"log".dead_letter_content force row level security;
create policy operators on :"log".dead_letter_content for all to :"context_role"
  using ((select :"log".session_context()) = 'messaging')
  with check ((select :"log".session_context()) = 'messaging');
grant select, insert, delete on :"log".dead_letter_content to :"context_role";
