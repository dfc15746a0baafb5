import { checkUntrusted } from '@downbeat/contracts';
import type { Json } from '@downbeat/eventsourcing';
import type { CallEffect, CallResult } from '@downbeat/saga-domain';

/** What goes along with a call, for whoever answers it. */
export interface CallContext {
  readonly correlationId: string;
  readonly traceparent?: string | undefined;
}

/** Calls what a step names, and says what was seen. Never throws. */
export abstract class TargetCaller {
  abstract call(effect: CallEffect, context: CallContext): Promise<CallResult>;
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

/** Longer answers than a run's context may be are not taken: several of them have to fit in one event. */
export const ANSWER_LENGTH_MAX = 262_144;

/** A good answer, if it can be taken; what it did when it cannot is not known. */
export function resultOfBody(body: string): CallResult {
  if (body.length > ANSWER_LENGTH_MAX)
    return { kind: 'broken', message: `the answer is longer than ${ANSWER_LENGTH_MAX} characters` };
  const output = outputOf(body);
  const refused = checkUntrusted(output);
  return refused
    ? { kind: 'broken', message: `the answer: ${refused.message}` }
    : { kind: 'ok', output };
}

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
