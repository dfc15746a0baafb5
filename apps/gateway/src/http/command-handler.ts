import { randomUUID } from 'node:crypto';
import {
  commandSubjectOfAny,
  querySubject,
  sagaContract,
  validate,
  type AnswerOf,
  type CommandContract,
} from '@downbeat/contracts';
import { Rejection, type JsonObject } from '@downbeat/eventsourcing';
import type { CommandOutcome, MessageBus, Problem } from '@downbeat/message-bus';
import { derivedId, uuidFrom } from '@downbeat/service-host';
import { AwaitedEnd, waitOf } from './awaited-end';
import type { Exchange, Handler } from './exchange';
import { requestInput } from './input';
import { problemOfRejection, problemReply } from './problems';
import { invalidParameter } from './query-string';
import { jsonReply, type Reply } from './reply';
import type { RequestContext } from './request-context';
import { isStart, locationOf, type ContractRoute } from './route-table';
import { EDGE_FULL, type StartsUnderWay } from './starts-under-way';

const OUTCOME_TIMEOUT_MS = 10_000;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;
/** Who asks, as long as the edge does not know its users. */
const ACTOR = 'anonymous';

/** Request → command → outcome. Nothing is sent before everything is valid. */
export const commandHandler =
  (bus: MessageBus, route: ContractRoute<CommandContract>, starts: StartsUnderWay): Handler =>
  async (exchange) => {
    const { response, context } = exchange;
    const prepared = await prepare(exchange, route);
    if (prepared instanceof Rejection) return problemReply(problemOfRejection(prepared), context);
    const { data, id, waitMs } = prepared;

    const correlationId = correlationIdOf(exchange, data);
    response.setHeader('X-Correlation-ID', correlationId);
    // Answered back even if the sender named none, so that a lost outcome can be asked for again.
    response.setHeader('Idempotency-Key', id);
    const end =
      waitMs === undefined ? undefined : AwaitedEnd.of(bus, String(data['correlation_id']));
    response.once('close', () => end?.stop());
    const send = () =>
      bus.command(commandSubjectOfAny(route.contract, String(data[route.contract.idField])), data, {
        id,
        correlationId,
        actor: ACTOR,
        traceparent: context.traceparent,
        timeoutMs: OUTCOME_TIMEOUT_MS,
      });
    // What concerns runs under way is not turned away: it is what makes room.
    const outcome = await (isStart(route) ? starts.within(send) : send());
    if (!outcome) return problemReply(EDGE_FULL, context);
    if (!outcome.accepted) return problemReply(inWordsOfHttp(outcome.problem), context);
    const ended = end && (await statusAtEnd(bus, outcome, end, waitMs ?? 0, context));
    return ended ?? acceptedReply(route.contract, data, outcome);
  };

/** The id that the bus knows as a message's is the client's idempotency key here; Retry-After is a header. */
function inWordsOfHttp(problem: Problem): Problem {
  if (problem.code === sagaContract.OVERLOADED) {
    const { hint: _, ...rest } = problem;
    return rest;
  }
  if (problem.code !== 'idempotency-key-reused') return problem;
  const message = 'was used for this with another body';
  return {
    ...problem,
    message: `Idempotency-Key ${message}`,
    errors: [{ field: 'Idempotency-Key', message }],
    hint: 'Use a new key for a new request. To learn the outcome of the first, repeat it as it was.',
  };
}

const ENDED: readonly unknown[] = ['completed', 'failed', 'compensated'];

/** The run as it ended; undefined when it has not within the time. */
async function statusAtEnd(
  bus: MessageBus,
  { position, answer }: Extract<CommandOutcome, { accepted: true }>,
  end: AwaitedEnd,
  waitMs: number,
  { correlationId, traceparent }: RequestContext,
): Promise<Reply | undefined> {
  if (!ENDED.includes(answer['status'])) await end.within(waitMs);
  // Asked in any case: what tells of the end may have been lost.
  const outcome = await bus.query(
    querySubject(sagaContract.workflowStatusQuery),
    { input: { workflow_id: answer['workflow_id'] ?? '' }, min_position: position },
    { correlationId, traceparent, timeoutMs: OUTCOME_TIMEOUT_MS },
  );
  if (!outcome.ok) return undefined;
  const status = outcome.data as AnswerOf<typeof sagaContract.workflowStatusQuery>;
  if (!ENDED.includes(status.workflow.current_status)) return undefined;
  return jsonReply(200, status, {
    'X-Read-Position': String(outcome.position),
    'Preference-Applied': 'wait',
  });
}

interface Prepared {
  readonly data: JsonObject;
  readonly id: string;
  /** Absent: the client wants an answer as soon as the command is accepted. */
  readonly waitMs: number | undefined;
}

async function prepare(
  { request }: Exchange,
  route: ContractRoute<CommandContract>,
): Promise<Prepared | Rejection> {
  const key = request.headers['idempotency-key'];
  if (key !== undefined && (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key)))
    return invalidParameter('Idempotency-Key', 'must be 1 to 200 printable ASCII characters');
  const id = key ?? randomUUID();
  const input = await requestInput(request, route);
  if (input instanceof Rejection) return input;
  const data = validate(route.contract.data, withCorrelationId(route.contract, input.fields, id));
  if (data instanceof Rejection) return data;
  const waitMs = isStart(route) ? waitOf(request, input.wait) : undefined;
  if (waitMs instanceof Rejection) return waitMs;
  return { data: withDerivedId(route.contract, data.value), id, waitMs };
}

/** A run needs a correlation id; one made from the idempotency key is the same when the request is repeated. */
function withCorrelationId(
  { name, idField }: CommandContract,
  fields: Readonly<Record<string, unknown>>,
  id: string,
): Readonly<Record<string, unknown>> {
  const isMissing = name === 'StartWorkflow' && fields[idField] === undefined;
  return isMissing ? { ...fields, [idField]: uuidFrom(id) } : fields;
}

/** An id that is made of other fields need not be said. */
function withDerivedId(contract: CommandContract, data: JsonObject): JsonObject {
  const isMissing = contract.idFrom !== undefined && data[contract.idField] === undefined;
  return isMissing ? { ...data, [contract.idField]: derivedId(contract, data) } : data;
}

/** A run's own correlation id serves for the request that starts it, unless the sender named another. */
const correlationIdOf = ({ context }: Exchange, data: JsonObject): string =>
  !context.correlationIdGiven && typeof data['correlation_id'] === 'string'
    ? data['correlation_id']
    : context.correlationId;

function acceptedReply(
  contract: CommandContract,
  data: JsonObject,
  { position, answer, repeated }: Extract<CommandOutcome, { accepted: true }>,
): Reply {
  const location = locationOf(contract, { ...data, ...answer });
  return jsonReply(
    202,
    { position, ...answer },
    {
      'X-Read-Position': String(position),
      ...(location !== undefined && { Location: location }),
      ...(repeated && { 'Idempotent-Replayed': 'true' }),
    },
  );
}
