-- What an audit asks by. Each costs every append a little, so there are three, and a time is turned
-- into positions through commit(recorded_at). Position comes second, so that a page is one range.
create index event_correlation on :"log".event ((meta ->> 'correlation_id') collate "C", position);
create index event_type on :"log".event (type, position);
-- Trace id: characters 4 to 35 of a W3C traceparent.
create index event_trace on :"log".event (substr(meta ->> 'traceparent', 4, 32) collate "C", position)
  where meta ->> 'traceparent' is not null;
