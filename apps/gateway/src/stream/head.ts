/** @see HTML standard, 9.2 Server-sent events */
export const EVENT_STREAM = 'text/event-stream';

export const STREAM_HEADERS = {
  'Content-Type': `${EVENT_STREAM}; charset=utf-8`,
  // Proxies such as nginx would collect events otherwise.
  'X-Accel-Buffering': 'no',
};

/** What a stream begins with: how long a client should wait before it connects again. */
export const STREAM_BEGIN = 'retry: 1000\n\n';
