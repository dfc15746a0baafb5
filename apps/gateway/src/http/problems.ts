import { sagaContract } from '@downbeat/contracts';
import { Fault, type Rejection } from '@downbeat/eventsourcing';
import type { Problem } from '@downbeat/message-bus';
import type { RequestContext } from './request-context';
import { jsonReply, type Reply } from './reply';

/** A problem document. @see RFC 9457 */
export interface ProblemDocument {
  /** `/problems/<code>`; stable, compare with it. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The path of the request. */
  readonly instance: string;
  readonly code: string;
  readonly trace_id: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
  readonly hint?: string;
}

interface Verdict {
  readonly status: number;
  readonly title: string;
  /** Instead of a message that may name what is inside. */
  readonly detail?: string;
  readonly hint?: string;
  readonly retryAfterSeconds?: number;
}

const unavailable = (detail?: string): Verdict => ({
  status: 503,
  title: 'Not available at the moment',
  ...(detail !== undefined && { detail }),
  hint: 'Repeat the request a little later.',
  retryAfterSeconds: 1,
});

const VERDICT_OF_KIND: Readonly<Record<Problem['kind'], Verdict>> = {
  invalid: { status: 400, title: 'The request is not valid' },
  'not-found': { status: 404, title: 'There is no such thing' },
  gone: { status: 410, title: 'There is no such thing any more' },
  conflict: { status: 409, title: 'The request conflicts with what is' },
  unavailable: unavailable(),
  internal: {
    status: 500,
    title: 'Something broke',
    detail: 'The request could not be carried out. The log has the reason under this trace id.',
  },
};

/** The one place where a code gets a status of its own; every other code has that of its kind. */
const VERDICT_OF_CODE: Readonly<Record<string, Verdict>> = {
  'unknown-route': { status: 404, title: 'There is no such path', hint: 'See /docs.' },
  'method-not-allowed': { status: 405, title: 'The path does not know this method' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  'no-view': { status: 406, title: 'This cannot be followed' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'url-too-long': { status: 414, title: 'The URL is too long' },
  'unsupported-media-type': { status: 415, title: 'The body is of a type not understood here' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  'message-bus/message-too-large': { status: 413, title: 'The body is too large' },
  'message-bus/no-outcome': {
    status: 504,
    title: 'No outcome arrived in time',
    detail: 'The command may still be carried out.',
    hint: 'Repeat the request with the same Idempotency-Key to learn its outcome.',
    retryAfterSeconds: 1,
  },
  'message-bus/no-answer': unavailable('The context that answers this is not running or too slow.'),
  'message-bus/unavailable': unavailable('The message bus cannot be reached. Nothing was sent.'),
  [sagaContract.OVERLOADED]: {
    status: 429,
    title: 'More runs are started than can be taken on',
    hint: 'Nothing was started. Repeat the request after Retry-After, with the same Idempotency-Key.',
    retryAfterSeconds: 1,
  },
  'gateway/overloaded': {
    ...unavailable('Enough runs are being started already. Nothing was sent.'),
    hint: 'Repeat the request after Retry-After, with the same Idempotency-Key.',
  },
  'gateway/log-unreadable': unavailable('The log cannot be read.'),
};

/** All of them, for people to read. */
export const VERDICTS: readonly (readonly [string, Verdict])[] = [
  ...Object.entries(VERDICT_OF_KIND),
  ...Object.entries(VERDICT_OF_CODE),
];

const ERRORS_MAX = 50;
const TEXT_LENGTH_MAX = 500;

export const verdictOf = (problem: Problem): Verdict =>
  VERDICT_OF_CODE[problem.code] ?? VERDICT_OF_KIND[problem.kind];

export const problemOfRejection = ({ code, message, kind, errors }: Rejection): Problem =>
  errors.length === 0 ? { code, message, kind } : { code, message, kind, errors };

/** What may be said of something thrown: a known fault by its code, anything else only that it broke. */
export function problemOfFault(fault: unknown): Problem {
  if (fault instanceof Fault && fault.code === 'message-bus/message-too-large')
    return invalidPart(fault.code, '', 'is too large for the message bus');
  if (fault instanceof Fault && VERDICT_OF_CODE[fault.code])
    return { code: fault.code, message: fault.message, kind: 'unavailable' };
  // Express refuses a path whose percent signs do not decode.
  if (fault instanceof URIError)
    return invalidPart('malformed-path', 'path', 'does not decode as UTF-8');
  return { code: 'internal', message: 'see the log', kind: 'internal' };
}

/**
 * A request that is wrong in a part of it that no contract names.
 *
 * @param field A header by its name, or `path`, `url`, `headers`, `request`; empty for the body.
 */
export const invalidPart = (code: string, field: string, message: string): Problem => ({
  code,
  message: `${/^[A-Z]/.test(field) ? '' : 'the '}${field || 'body'} ${message}`,
  kind: 'invalid',
  errors: [{ field, message }],
});

export function problemReply(problem: Problem, context: RequestContext): Reply {
  const verdict = verdictOf(problem);
  const retryAfterSeconds = problem.retry_after_seconds ?? verdict.retryAfterSeconds;
  const hint = problem.hint ?? verdict.hint;
  const document: ProblemDocument = {
    type: `/problems/${problem.code}`,
    title: verdict.title,
    status: verdict.status,
    detail: verdict.detail ?? bounded(problem.message),
    instance: bounded(context.path),
    code: problem.code,
    trace_id: context.traceId,
    ...(problem.errors && {
      errors: problem.errors
        .slice(0, ERRORS_MAX)
        .map(({ field, message }) => ({ field: bounded(field), message: bounded(message) })),
    }),
    ...(hint !== undefined && { hint }),
  };
  return jsonReply(verdict.status, document, {
    'Content-Type': 'application/problem+json',
    ...(retryAfterSeconds !== undefined && { 'Retry-After': String(retryAfterSeconds) }),
  });
}

const bounded = (text: string): string =>
  text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX)}…` : text;
