import { createHash } from 'node:crypto';
import { querySubject, validate, type QueryContract } from '@downbeat/contracts';
import { Rejection, type JsonObject } from '@downbeat/eventsourcing';
import type { MessageBus } from '@downbeat/message-bus';
import { z } from 'zod';
import type { Exchange, Handler } from './exchange';
import { requestInput } from './input';
import { problemOfRejection, problemReply } from './problems';
import { invalidParameter } from './query-string';
import type { Reply } from './reply';
import type { ContractRoute } from './route-table';

const ANSWER_TIMEOUT_MS = 10_000;
/** A replay or a verification reads a good part of the log. */
const LONG_ANSWER_TIMEOUT_MS = 120_000;

const positionOr = (else_: string) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `must be a position${else_}`)
    .transform(Number);

const OR_TIME = ' (a whole number) or an ISO 8601 time in UTC';

/** Which moment a query is about. */
const readAs = z.strictObject({
  at: z.union([positionOr(OR_TIME), z.iso.datetime(`must be a position${OR_TIME}`)]).optional(),
  min_position: positionOr('').optional(),
  minPosition: positionOr('').optional(),
});

/** Request → question to the owning context → its answer. */
export const queryHandler =
  (bus: MessageBus, route: ContractRoute<QueryContract>): Handler =>
  async (exchange) => {
    const { request, context } = exchange;
    const payload = await prepare(exchange, route);
    if (payload instanceof Rejection) return problemReply(problemOfRejection(payload), context);
    const outcome = await bus.query(querySubject(route.contract), payload, {
      correlationId: context.correlationId,
      traceparent: context.traceparent,
      timeoutMs: route.method === 'GET' ? ANSWER_TIMEOUT_MS : LONG_ANSWER_TIMEOUT_MS,
    });
    return outcome.ok
      ? answerReply(outcome.position, outcome.data, request.headers['if-none-match'])
      : problemReply(outcome.problem, context);
  };

async function prepare(
  { request }: Exchange,
  route: ContractRoute<QueryContract>,
): Promise<JsonObject | Rejection> {
  const given = await requestInput(request, route);
  if (given instanceof Rejection) return given;
  const input = validate(route.contract.input, given.fields);
  if (input instanceof Rejection) return input;
  const { fields: _, wait: __, ...read } = given;
  const as = validate(readAs, read);
  if (as instanceof Rejection) return as;
  const { at, min_position, minPosition = min_position } = as.value;
  if (min_position !== undefined && min_position !== minPosition)
    return invalidParameter('minPosition', 'differs from min_position, which means the same');
  return {
    input: input.value,
    ...(at !== undefined && { at }),
    ...(minPosition !== undefined && { min_position: minPosition }),
  };
}

/** The tag is weak and of the body alone: an answer that did not change keeps its tag while the log grows. */
function answerReply(readPosition: number, data: unknown, ifNoneMatch: string | undefined): Reply {
  const body = JSON.stringify(data);
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  const headers = {
    'X-Read-Position': String(readPosition),
    ETag: `W/"${hash}"`,
    'Cache-Control': 'no-cache',
  };
  return matches(ifNoneMatch, headers.ETag)
    ? { status: 304, headers }
    : { status: 200, headers: { 'Content-Type': 'application/json', ...headers }, body };
}

const matches = (ifNoneMatch: string | undefined, tag: string): boolean =>
  ifNoneMatch === '*' || (ifNoneMatch ?? '').split(',').some((one) => one.trim() === tag);
