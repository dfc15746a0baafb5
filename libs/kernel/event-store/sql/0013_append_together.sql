-- Appends that stand or fall together, and one receipt for several publications in a row. Otherwise
-- as it was (0002, 0009 and 0010 say what goes in and comes out):
--   groups         appends with the same number (0 or more), which stand side by side, are appended all or none:
--                  where one of them is refused, the others' outcome is 'together'. Null: alone.
--   receipt_firsts the first publication that a receipt stands for; null: its number is all.
-- Last and with a default, so that processes of the release before go on appending.
drop function :"log".append_many(text, text[], integer[], integer[], json[], text[], json[], text[],
  text[], integer[], text[], text[], bigint[], uuid[], text[], smallint[], json[], bytea[]);
create function :"log".append_many(
  for_context       text,
  streams           text[],
  expected          integer[],
  counts            integer[],
  metas             json[],
  command_ids       text[],
  answers           json[],
  lease_uses        text[],
  lease_owners      text[],
  lease_epochs      integer[],
  receipt_consumers text[],
  receipt_sources   text[],
  receipt_numbers   bigint[],
  event_ids         uuid[],
  types             text[],
  schema_versions   smallint[],
  datas             json[],
  payload_hashes    bytea[] default null,
  groups            integer[] default null,
  receipt_firsts    bigint[] default null
) returns table (
  outcome text, version integer, "position" bigint, answer json,
  -- Null when nothing was appended.
  recorded_at timestamptz(3), commit_no bigint
)
language plpgsql volatile security definer
set search_path = :"log", pg_temp
-- Plans are made once per connection, perhaps on an empty log: nothing but index look-ups may win.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
declare
  size      constant integer := cardinality(streams);
  previous  record;
  base      bigint;
  now_no    bigint;
  recorded  timestamptz(3);
  moment    text;
  outcomes  text[];
  actuals   integer[];
  numbers   bigint[];
  starts    integer[];
  lasts     bigint[];
  total     integer;
  chained   bytea;
begin
  if for_context is distinct from session_context() then
    raise exception using
      errcode = '42501',
      message = format('%s may not append for the context %s', session_user, for_context);
  end if;

  -- From here on each statement sees everything that those ahead in the line have committed.
  perform stand_in_line();

  select c.commit_no, c.last, c.recorded_at, c.hash into previous
    from commit c order by c.commit_no desc limit 1;
  select coalesce(max(e.position), 0) into base from event e;
  if base <> coalesce(previous.last, 0) then
    raise exception using
      errcode = 'DB001',
      message = format('the log ends at position %s, its last commit at %s', base, coalesce(previous.last, 0)),
      detail = format('%s %s', coalesce(previous.last, 0), base);
  end if;
  now_no := coalesce(previous.commit_no, 0) + 1;
  recorded := greatest(previous.recorded_at, date_trunc('milliseconds', clock_timestamp()));

  -- Scalar subqueries throughout: they are looked up by index one by one and never become a join.
  select array_agg(n.outcome order by n.a), array_agg(n.actual order by n.a),
         array_agg(n.number order by n.a), array_agg(n.start order by n.a),
         array_agg(base + n.through order by n.a), max(n.through)
    into outcomes, actuals, numbers, starts, lasts, total
    from (
      select j.a, j.outcome, j.actual, j.number,
             sum(counts[j.a]) over (order by j.a) - counts[j.a] as start,
             sum(case j.outcome when 'appended' then counts[j.a] else 0 end) over (order by j.a) as through
        from (
          -- No group has the number of an append that is alone: theirs are below 0.
          select i.a, i.actual, i.number,
                 case
                   when i.outcome = 'appended'
                    and bool_or(i.outcome <> 'appended') over (partition by coalesce(groups[i.a], -i.a))
                     then 'together'
                   else i.outcome
                 end as outcome
            from (
              select a, tail.version as actual, applied.number,
                     case
                       when command_ids[a] is not null
                        and (select c.version from command_answer c
                              where c.context = for_context and c.command_id = command_ids[a]) is not null
                         then 'repeated'
                       when coalesce(receipt_firsts[a], receipt_numbers[a]) <> applied.number + 1 then 'receipt'
                       when lease_uses[a] in ('hold', 'release')
                        and (select l.epoch from stream_lease l
                              where l.stream = streams[a] and l.context = for_context
                                and l.owner = lease_owners[a] and l.epoch = lease_epochs[a]) is null
                         then 'lease'
                       when tail.context <> for_context then 'foreign'
                       when tail.version <> expected[a] then 'version'
                       when lease_uses[a] = 'acquire'
                        and (select l.epoch from stream_lease l where l.stream = streams[a]) is not null
                         then 'lease'
                       else 'appended'
                     end as outcome
                from generate_series(1, size) as a
                cross join lateral (
                  select coalesce(max(t.version), 0) as version, max(t.context) as context
                    from (select e.version, e.context from event e where e.stream = streams[a]
                           order by e.version desc limit 1) t
                ) tail
                cross join lateral (
                  select case when receipt_consumers[a] is not null then
                           coalesce((select r.number from receipt r
                                      where r.context = for_context and r.consumer = receipt_consumers[a]
                                        and r.source = receipt_sources[a]), 0)
                         end as number
                ) applied
            ) i
        ) j
    ) n;

  if total > 0 then
    insert into event (position, commit_no, recorded_at, event_id, version, schema_version,
                       context, stream, type, data, meta)
      select base + row_number() over (order by a, nth), now_no, recorded, event_ids[starts[a] + nth],
             expected[a] + nth, schema_versions[starts[a] + nth],
             for_context, streams[a], types[starts[a] + nth], datas[starts[a] + nth], metas[a]
        from generate_series(1, size) as a
        cross join lateral generate_series(1, counts[a]) as nth
       where outcomes[a] = 'appended';

    moment := to_char(recorded at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
    select sha256(
             coalesce(previous.hash, decode(repeat('00', 32), 'hex'))
             || convert_to(concat_ws(' ', 'commit', now_no, base + 1, base + total, moment) || E'\n', 'UTF8')
             || string_agg(convert_to(concat(
                  concat_ws(' ', e.position, e.event_id, e.version, e.schema_version, moment,
                    octet_length(e.context), octet_length(e.stream), octet_length(e.type),
                    octet_length(e.data::text), octet_length(e.meta::text)), E'\n',
                  e.context, e.stream, e.type, e.data, e.meta), 'UTF8'), ''::bytea order by e.position))
      into chained
      from event e where e.position > base;
    insert into commit (commit_no, first, last, recorded_at, hash)
      values (now_no, base + 1, base + total, recorded, chained);
  end if;

  if num_nonnulls(variadic command_ids) > 0 then
    insert into command_answer (context, command_id, stream, version, position, answer, recorded_at,
                                payload_hash)
      select for_context, command_ids[a], streams[a], expected[a] + counts[a], lasts[a], answers[a], recorded,
             payload_hashes[a]
        from generate_series(1, size) as a
       where outcomes[a] = 'appended' and command_ids[a] is not null;
  end if;

  if num_nonnulls(variadic lease_uses) > 0 then
    -- Every holder is a known owner; one that never said it was alive is known as run out.
    insert into lease_owner (context, owner, expires_at)
      select for_context, lease_owners[a], recorded
        from generate_series(1, size) as a
       where outcomes[a] = 'appended' and lease_uses[a] = 'acquire'
       group by lease_owners[a]
      on conflict (context, owner) do nothing;
    insert into stream_lease (stream, context, owner, epoch)
      select streams[a], for_context, lease_owners[a], 1
        from generate_series(1, size) as a
       where outcomes[a] = 'appended' and lease_uses[a] = 'acquire';
    delete from stream_lease
     where stream = any (array(select streams[a] from generate_series(1, size) as a
                                where outcomes[a] = 'appended' and lease_uses[a] = 'release'));
  end if;

  if num_nonnulls(variadic receipt_numbers) > 0 then
    insert into receipt as r (context, consumer, source, number, updated_at)
      select for_context, receipt_consumers[a], receipt_sources[a], receipt_numbers[a], recorded
        from generate_series(1, size) as a
       where outcomes[a] = 'appended' and receipt_consumers[a] is not null
      on conflict (context, consumer, source)
      do update set number = excluded.number, updated_at = excluded.updated_at;
  end if;

  return query
    select outcomes[a],
           case outcomes[a]
             when 'appended' then expected[a] + counts[a]
             when 'repeated' then earlier.version
             else actuals[a]
           end,
           case outcomes[a]
             when 'appended' then lasts[a]
             when 'repeated' then earlier.position
             else numbers[a]
           end,
           earlier.answer,
           case outcomes[a] when 'appended' then recorded end,
           case outcomes[a] when 'appended' then now_no end
      from generate_series(1, size) as a
      left join lateral (
        select c.version, c.position, c.answer from command_answer c
         where outcomes[a] = 'repeated' and c.context = for_context and c.command_id = command_ids[a]
         limit 1
      ) earlier on true
     order by a;
end $$;

revoke execute on function :"log".append_many from public;
grant execute on function :"log".append_many to :"context_role";
alter function :"log".append_many owner to :"log_role";
