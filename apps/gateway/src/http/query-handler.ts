import { querySubject, validate, type QueryContract } from '@downbeat/contracts';
import { Rejection, type JsonObject } from '@downbeat/eventsourcing';
import type { MessageBus, QueryOutcome } from '@downbeat/message-bus';
import { answerTag } from './answer-tag';
import { compared, DIFFERENCE_TYPE } from './difference-reply';
import type { Exchange, Handler } from './exchange';
import { requestInput } from './input';
import { momentsOf, type AskedAs, type Moments } from './moments';
import { problemOfRejection, problemReply } from './problems';
import type { Reply } from './reply';
import type { ContractRoute } from './route-table';

const ANSWER_TIMEOUT_MS = 10_000;
/** A replay or a verification reads a good part of the log. */
const LONG_ANSWER_TIMEOUT_MS = 120_000;

/** Request → question to the owning context → its answer. */
export const queryHandler =
  (bus: MessageBus, route: ContractRoute<QueryContract>): Handler =>
  async (exchange) => {
    const { request, context } = exchange;
    const asked = await prepare(exchange, route);
    if (asked instanceof Rejection) return problemReply(problemOfRejection(asked), context);
    const { input, moments } = asked;
    const ask = (as: AskedAs): Promise<QueryOutcome> =>
      bus.query(
        querySubject(route.contract),
        { input, ...as },
        {
          correlationId: context.correlationId,
          traceparent: context.traceparent,
          timeoutMs: route.method === 'GET' ? ANSWER_TIMEOUT_MS : LONG_ANSWER_TIMEOUT_MS,
        },
      );
    const { since, as } = moments;
    const outcome =
      since === undefined
        ? await ask(as)
        : compared(...(await Promise.all([ask(since), askAsPast(ask, as)])));
    if (outcome instanceof Rejection) return problemReply(problemOfRejection(outcome), context);
    const type = since === undefined ? 'application/json' : DIFFERENCE_TYPE;
    return outcome.ok
      ? answerReply(outcome.position, outcome.data, request.headers['if-none-match'], type)
      : problemReply(outcome.problem, context);
  };

/**
 * What is so now, without what is no fact: a load that was only heard of would else seem to have come
 * since then, for no past moment has it.
 */
async function askAsPast(
  ask: (as: AskedAs) => Promise<QueryOutcome>,
  as: AskedAs,
): Promise<QueryOutcome> {
  const outcome = await ask(as);
  return as.at === undefined && outcome.ok ? ask({ at: outcome.position }) : outcome;
}

export interface Asked {
  readonly input: JsonObject;
  readonly moments: Moments;
}

/** What a request asks, checked. */
export async function prepare(
  { request }: Pick<Exchange, 'request'>,
  route: ContractRoute<QueryContract>,
): Promise<Asked | Rejection> {
  const given = await requestInput(request, route);
  if (given instanceof Rejection) return given;
  const input = validate(route.contract.input, given.fields);
  if (input instanceof Rejection) return input;
  const { fields: _, wait: __, ...read } = given;
  const moments = momentsOf(read);
  return moments instanceof Rejection ? moments : { input: input.value, moments };
}

/** The tag is weak and of the body alone: an answer that did not change keeps its tag while the log grows. */
function answerReply(
  readPosition: number,
  data: unknown,
  ifNoneMatch: string | undefined,
  type: string,
): Reply {
  const body = JSON.stringify(data);
  const headers = {
    'X-Read-Position': String(readPosition),
    ETag: `W/"${answerTag(body)}"`,
    'Cache-Control': 'no-cache',
  };
  return matches(ifNoneMatch, headers.ETag)
    ? { status: 304, headers }
    : { status: 200, headers: { 'Content-Type': type, ...headers }, body };
}

const matches = (ifNoneMatch: string | undefined, tag: string): boolean =>
  ifNoneMatch === '*' || (ifNoneMatch ?? '').split(',').some((one) => one.trim() === tag);
