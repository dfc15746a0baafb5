import { querySubject, type AnswerOf, type QueryContract } from '@downbeat/contracts';
import { Fault, type JsonObject } from '@downbeat/eventsourcing';
import type { MessageBus } from '@downbeat/message-bus';

const ANSWER_MS_MAX = 3_000;

/** A context said that it cannot answer now. */
export class NotAnswered extends Fault {
  override readonly name = 'NotAnswered';
  readonly code = 'alerts/not-answered';
  readonly remedy = 'retry';
}

/**
 * What a context answers, as it would answer anybody.
 *
 * @throws {NotAnswered} @throws What {@link MessageBus.query} throws.
 */
export async function ask<Contract extends QueryContract>(
  bus: MessageBus,
  contract: Contract,
  input: JsonObject,
): Promise<AnswerOf<Contract>> {
  const outcome = await bus.query(querySubject(contract), { input }, { timeoutMs: ANSWER_MS_MAX });
  if (!outcome.ok) throw new NotAnswered(`${contract.name}: ${outcome.problem.message}`);
  return outcome.data as AnswerOf<Contract>;
}
