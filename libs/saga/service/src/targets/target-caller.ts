import { checkUntrusted, PAYLOAD_BYTES_MAX, utf8Bytes } from '@downbeat/contracts';
import type { Json } from '@downbeat/eventsourcing';
import type { CallEffect, CallResult } from '@downbeat/saga-domain';

/** What goes along with a call, for whoever answers it. */
export interface CallContext {
  readonly correlationId: string;
  readonly traceparent?: string | undefined;
  /** Asked as late as the way to the service allows; false: nothing is to be sent any more. */
  readonly mayCall?: () => boolean;
}

/** Calls what a step names, and says what was seen. Never throws. */
export abstract class TargetCaller {
  /** @returns Undefined when `mayCall` said no: nothing was sent. */
  abstract call(effect: CallEffect, context: CallContext): Promise<CallResult | undefined>;
}

/** The headers every participant gets, over HTTP and over NATS. */
export const callHeaders = (
  effect: CallEffect,
  { correlationId, traceparent }: CallContext,
): Readonly<Record<string, string>> => ({
  'content-type': 'application/json',
  accept: 'application/json',
  'idempotency-key': effect.key,
  'x-correlation-id': correlationId,
  'downbeat-attempt': String(effect.attempt),
  ...(effect.undoes === undefined ? {} : { 'downbeat-undoes': effect.undoes }),
  ...(traceparent === undefined ? {} : { traceparent }),
});

/** Whether whoever was called is well: an answer that refuses is an answer. */
export function isWell(result: CallResult): boolean {
  switch (result.kind) {
    case 'ok':
    case 'oversized':
      return true;
    case 'answer':
      return result.status < 500;
    case 'refused':
    case 'broken':
    case 'timeout':
      return false;
  }
}

/** Keys of objects and places in lists that an answer may have together. */
export const ANSWER_KEYS_MAX = 100_000;

/** A good answer, if it can be taken; what a broken one did is not known. */
export function resultOfBody(body: string): CallResult {
  const bytes = utf8Bytes(body, PAYLOAD_BYTES_MAX);
  if (bytes > PAYLOAD_BYTES_MAX) return oversized;
  const output = outputOf(body);
  const refused = checkUntrusted(output, ANSWER_KEYS_MAX);
  return refused
    ? { kind: 'broken', message: `the answer: ${refused.message}` }
    : { kind: 'ok', output };
}

/** It did what was asked, and what it said is larger than a run may keep: asking again changes nothing. */
export const oversized: CallResult = {
  kind: 'oversized',
  message: `the answer is larger than ${PAYLOAD_BYTES_MAX} bytes`,
};

/** An answer's body: JSON where it is JSON, text otherwise, null for an empty one. */
function outputOf(body: string): Json {
  if (body === '') return null;
  try {
    return JSON.parse(body) as Json;
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
    return body;
  }
}

const MESSAGE_LENGTH_MAX = 300;

/** What a refusing answer says for people: a problem's detail or an error's message, in one line; empty when it says nothing. */
export function messageOf(body: string): string {
  const output = outputOf(body);
  const said =
    output !== null && typeof output === 'object' && !Array.isArray(output)
      ? ['detail', 'message', 'error', 'title']
          .map((key) => (output as { readonly [key: string]: Json })[key])
          .find((value) => typeof value === 'string')
      : output;
  const text = typeof said === 'string' ? said.replace(/\s+/g, ' ').trim() : '';
  return text.slice(0, MESSAGE_LENGTH_MAX);
}
