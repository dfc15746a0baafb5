/** Parameters and headers that many paths of the OpenAPI document refer to. */
export const sharedParameters = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Makes the command idempotent: repeated with the same key it gets the first outcome. Made, and answered back, when absent.',
    schema: { type: 'string', minLength: 1, maxLength: 200, pattern: '^[\\x21-\\x7e]+$' },
  },
  CorrelationId: {
    name: 'X-Correlation-ID',
    in: 'header',
    description: 'Goes with everything this request leads to. Made when absent or not fitting.',
    schema: { type: 'string', maxLength: 128, pattern: '^[A-Za-z0-9_.:@-]+$' },
  },
  Traceparent: {
    name: 'traceparent',
    in: 'header',
    description: 'W3C trace context.',
    schema: { type: 'string' },
  },
  At: {
    name: 'at',
    in: 'query',
    description:
      'How it was: after this position, or at this time. Two of them, joined by two dots, ask for what was added, removed and changed in between, as a `Difference`; without the second one, up to now.',
    schema: {
      oneOf: [
        { type: 'integer', minimum: 0 },
        { type: 'string', format: 'date-time' },
        { type: 'string', pattern: '^.+\\.\\..*$' },
      ],
    },
  },
  MinPosition: {
    name: 'min_position',
    in: 'query',
    description:
      'Wait (for a bounded time, then 503) until the answer holds this position. `minPosition` means the same.',
    schema: { type: 'integer', minimum: 0 },
  },
  EveryMs: {
    name: 'every_ms',
    in: 'query',
    description:
      'Only with `Accept: text/event-stream`: at most one event in so many milliseconds. Default: 250.',
    schema: { type: 'integer', minimum: 100, maximum: 60_000 },
  },
  LastEventId: {
    name: 'Last-Event-ID',
    in: 'header',
    description:
      'Only with `Accept: text/event-stream`: the answer the client has, `<X-Read-Position>-<ETag without W/ and quotes>`. It is not sent again.',
    schema: { type: 'string', pattern: '^\\d{1,15}-[\\w-]{22}$' },
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description: 'The `ETag` of an earlier answer.',
    schema: { type: 'string' },
  },
};

export const sharedHeaders = {
  'X-Read-Position': {
    description: 'The position up to which this is true.',
    schema: { type: 'integer' },
  },
  'X-Correlation-ID': { description: 'Given or made.', schema: { type: 'string' } },
  'Idempotency-Key': { description: 'Given or made.', schema: { type: 'string' } },
  Location: { description: 'Where the result can be read.', schema: { type: 'string' } },
  ETag: { description: 'Weak, of the body.', schema: { type: 'string' } },
};
