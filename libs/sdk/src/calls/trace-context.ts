import { randomBytes } from 'node:crypto';

/** @see W3C Trace Context, section 3.2: version ff, and ids of zeros alone, are not valid. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const TRACESTATE_LENGTH_MAX = 512;
/** Printable ASCII: a list of members that only those read who wrote them. */
const TRACESTATE = /^[\x20-\x7e]+$/;

/** By what a call is found again with all that it has caused. */
export interface TraceContext {
  readonly traceparent: string;
  /** Only together with the `traceparent` it came with. */
  readonly tracestate: string | undefined;
}

/** What came with a call, or one that begins here: what is no such header says nothing. */
export function traceContextOf(
  traceparent: string | undefined,
  tracestate: string | undefined,
): TraceContext {
  if (traceparent === undefined || !TRACEPARENT.test(traceparent))
    return { traceparent: newTraceparent(), tracestate: undefined };
  const isState =
    tracestate !== undefined &&
    tracestate.length <= TRACESTATE_LENGTH_MAX &&
    TRACESTATE.test(tracestate);
  return { traceparent, tracestate: isState ? tracestate : undefined };
}

/** The `traceparent` of something that begins here. */
const newTraceparent = (): string =>
  `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
