import { auditContract, contracts, querySubject, type AnswerOf } from '@downbeat/contracts';
import { Fault } from '@downbeat/eventsourcing';
import type { MessageBus, Problem } from '@downbeat/message-bus';
import { z } from 'zod';

const { listEvents } = auditContract;
export type LogEvent = z.output<typeof auditContract.storedEvent>;
export type LogPage = AnswerOf<typeof listEvents>;

const ANSWER_TIMEOUT_MS = 5_000;
const { stream, type, correlation_id } = listEvents.input.shape;

/** Which events a client wants; all of them without any. */
export const streamFilter = z.strictObject({
  stream,
  type,
  correlation_id,
  context: z.enum(Object.keys(contracts)).optional(),
});
export type StreamFilter = z.output<typeof streamFilter>;

export const accepts = (filter: StreamFilter, event: LogEvent): boolean =>
  (filter.stream === undefined || filter.stream === event.stream) &&
  (filter.type === undefined || filter.type === event.type) &&
  (filter.correlation_id === undefined || filter.correlation_id === event.meta.correlation_id) &&
  (filter.context === undefined || filter.context === event.context);

/** The owner of the log answered, but not with events. */
export class LogUnreadable extends Fault {
  override readonly name = 'LogUnreadable';
  readonly code = 'gateway/log-unreadable';
  readonly remedy = 'retry';

  constructor(readonly problem: Problem) {
    super(problem.message);
  }
}

/** Which part of the log to read; the fields of the contract that a stream needs. */
export interface LogQuestion {
  readonly stream?: string | undefined;
  readonly type?: string | undefined;
  readonly correlation_id?: string | undefined;
  readonly after_position?: number;
  readonly until_position?: number;
  readonly order?: 'asc' | 'desc';
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/**
 * Asks the audit context for events.
 *
 * @throws {LogUnreadable} It answered with a problem. Faults of the bus pass through.
 */
export async function readLog(bus: MessageBus, question: LogQuestion): Promise<LogPage> {
  const outcome = await bus.query(
    querySubject(listEvents as never),
    { input: { ...question } },
    { timeoutMs: ANSWER_TIMEOUT_MS },
  );
  if (!outcome.ok) throw new LogUnreadable(outcome.problem);
  const page = outcome.data as LogPage | undefined;
  if (!Array.isArray(page?.events)) throw new LogUnreadable(notEvents);
  return page;
}

const notEvents: Problem = {
  code: 'not-events',
  message: 'the answer holds no events',
  kind: 'unavailable',
};

/** The position of the newest event, 0 for an empty log. */
export const readHead = async (bus: MessageBus): Promise<number> =>
  (await readLog(bus, { order: 'desc', limit: 1 })).events[0]?.position ?? 0;

/** The same; unknown when the log cannot be read. */
export async function knownHead(bus: MessageBus): Promise<number | undefined> {
  try {
    return await readHead(bus);
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    return undefined;
  }
}
