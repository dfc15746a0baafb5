import { EVENT_STREAM } from '../stream/head';

export const viewEventsSchema = {
  type: 'string',
  description:
    'Events `snapshot` (first, and after a problem) and `change`: the whole answer, its id `<X-Read-Position>-<tag>`; `problem`: a problem document, after which the stream goes on if asking again can help, and ends if not; `reset` with `{"asked", "head"}` when `Last-Event-ID` is of another log. See docs/streams.md.',
};

/** What a view answers beside JSON. */
export const viewStream = {
  [EVENT_STREAM]: { schema: { $ref: '#/components/schemas/ViewEvents' } },
};
