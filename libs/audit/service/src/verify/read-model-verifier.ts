import { auditContract, contracts, type AnswerOf } from '@downbeat/contracts';
import { Fault, Rejection } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import { Injectable } from '@nestjs/common';

export type ReadModelReport = NonNullable<AnswerOf<typeof auditContract.verify>['read_model']>;

const VERIFY_TIMEOUT_MS = 110_000;

/** The owning context could not say whether its read model is right. */
export class NotVerified extends Fault {
  override readonly name = 'NotVerified';
  readonly code = 'audit/not-verified';
  readonly remedy = 'retry';
}

/** Lets the context that owns a read model build it again and compare. */
@Injectable()
export class ReadModelVerifier {
  constructor(private readonly bus: MessageBus) {}

  /**
   * @param name `<context>.<what-it-shows>`.
   * @throws {NotVerified} @throws {NoAnswer} The owning context is away or too slow.
   */
  async verify(name: string): Promise<ReadModelReport | Rejection> {
    const context = name.slice(0, Math.max(0, name.indexOf('.')));
    if (!Object.hasOwn(contracts, context)) return unknownReadModel(name);
    const subject = `query.${context}.verify-read-model`;
    const outcome = await this.bus.query(subject, { name }, { timeoutMs: VERIFY_TIMEOUT_MS });
    if (outcome.ok)
      return auditContract.verify.answer.shape.read_model.unwrap().parse(outcome.data);
    if (outcome.problem.kind === 'not-found') return unknownReadModel(name);
    throw new NotVerified(`${context} did not verify ${name}: ${outcome.problem.message}`);
  }
}

const unknownReadModel = (name: string): Rejection =>
  new Rejection('read-model-unknown', `there is no read model ${name}`, 'not-found', [
    { field: 'read_model', message: 'is not the name of a read model' },
  ]);
