-- All times are this server's. clock_timestamp() rather than now(): a statement may have waited.

create function :"log".lease_renew(of_owner text, ttl_ms integer) returns boolean
language plpgsql volatile security definer set search_path = :"log", pg_temp as $$
begin
  insert into lease_owner as o (context, owner, expires_at)
    values (session_context(), of_owner, clock_timestamp() + ttl_ms * interval '1 millisecond')
    on conflict (context, owner) do update set expires_at = excluded.expires_at
    where o.taken_over_at is null;
  return found;
end $$;

create function :"log".lease_resign(of_owner text) returns void
language sql volatile security definer set search_path = :"log", pg_temp as $$
  insert into lease_owner (context, owner, expires_at, taken_over_at)
    values (session_context(), of_owner, clock_timestamp(), clock_timestamp())
    on conflict (context, owner) do update
    set expires_at = excluded.expires_at, taken_over_at = excluded.taken_over_at
$$;

-- Stands in line with the appends: each append of the old holder was either committed before, and
-- the new holder will load it, or comes after and is refused for its epoch.
create function :"log".lease_take_over(by_owner text, max_streams integer)
returns table (stream text, epoch integer)
language plpgsql volatile security definer set search_path = :"log", pg_temp as $$
#variable_conflict use_column
begin
  -- Asked often and mostly in vain: that must not hold up the line.
  if not exists (
    select from lease_owner o
     where o.context = session_context() and o.owner <> by_owner
       and (o.expires_at < clock_timestamp() or o.taken_over_at is not null)
       and exists (select from stream_lease l where l.owner = o.owner)
  ) then
    return;
  end if;
  perform stand_in_line();

  delete from lease_owner o
   where o.context = session_context() and o.expires_at < clock_timestamp() - interval '1 day'
     and not exists (select from stream_lease l where l.owner = o.owner);

  return query
    with dead as materialized (
      -- A row that is being renewed at this moment is locked, and skipped.
      select o.owner from lease_owner o
       where o.context = session_context() and o.owner <> by_owner
         and (o.expires_at < clock_timestamp() or o.taken_over_at is not null)
         and exists (select from stream_lease l where l.owner = o.owner)
         for update skip locked
    ), orphan as materialized (
      select l.stream, l.owner from stream_lease l join dead d on d.owner = l.owner
       order by l.acquired_at, l.stream
       limit max_streams
         for update of l skip locked
    ), over as (
      update lease_owner o set taken_over_at = clock_timestamp()
       where o.context = session_context() and o.owner in (select r.owner from orphan r)
    ), taken as (
      update stream_lease l set owner = by_owner, epoch = l.epoch + 1
        from orphan r where l.stream = r.stream
        returning l.stream, l.epoch, l.acquired_at
    )
    select t.stream, t.epoch from taken t order by t.acquired_at, t.stream;
end $$;

create function :"log".lease_held(of_owner text)
returns table (stream text, epoch integer)
language sql stable security definer set search_path = :"log", pg_temp as $$
  select l.stream, l.epoch from stream_lease l
   where l.owner = of_owner and l.context = session_context()
   order by l.acquired_at, l.stream
$$;
