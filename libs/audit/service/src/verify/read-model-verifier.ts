import { auditContract, contracts, type AnswerOf } from '@downbeat/contracts';
import { Fault, Rejection } from '@downbeat/eventsourcing';
import { MessageBus, NoAnswer, type QueryOutcome } from '@downbeat/message-bus';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';

export type ReadModelReport = NonNullable<AnswerOf<typeof auditContract.verify>['read_model']>;

/** What a context says of itself; the part that names its read models. */
const statusOf = z.object({ projections: z.array(z.object({ name: z.string() })) });

const STATUS_TIMEOUT_MS = 5_000;
/** Of one or of all together: the edge waits for two minutes, and the chain of the log is walked after them. */
const VERIFY_TIMEOUT_MS = 90_000;
/** With less left a read model is not begun: it would most likely be built for nobody. */
const LEFT_MS_MIN = 5_000;
/** The context stops so much earlier, so that its word comes before the wait for it ends. */
const ANSWER_MS = 1_000;

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
   * Every read model of every context, one after another: contexts tell which they have.
   *
   * @throws {NotVerified} A context is away, or the time was over before the last one.
   */
  async verifyAll(): Promise<ReadModelReport[]> {
    const deadlineMs = Date.now() + VERIFY_TIMEOUT_MS;
    const names = await Promise.all(Object.keys(contracts).map((context) => this.namesOf(context)));
    const reports: ReadModelReport[] = [];
    for (const name of names.flat().toSorted()) {
      const leftMs = deadlineMs - Date.now();
      if (leftMs < LEFT_MS_MIN)
        throw new NotVerified(`the time was over before ${name}; ask for one read model at a time`);
      const report = await this.verify(name, leftMs);
      if (report instanceof Rejection) throw new NotVerified(report.message);
      reports.push(report);
    }
    return reports;
  }

  private async namesOf(context: string): Promise<readonly string[]> {
    const outcome = await this.bus.query(
      `query.${context}.status`,
      {},
      { timeoutMs: STATUS_TIMEOUT_MS },
    );
    if (!outcome.ok) throw new NotVerified(`${context} did not name its read models`);
    return statusOf.parse(outcome.data).projections.map(({ name }) => name);
  }

  /**
   * @param name `<context>.<what-it-shows>`.
   * @throws {NotVerified} The owning context is away or too slow.
   */
  async verify(name: string, timeoutMs = VERIFY_TIMEOUT_MS): Promise<ReadModelReport | Rejection> {
    const context = name.slice(0, Math.max(0, name.indexOf('.')));
    if (!Object.hasOwn(contracts, context)) return unknownReadModel(name);
    const outcome = await this.outcomeOf(context, name, timeoutMs);
    if (outcome.ok)
      return auditContract.verify.answer.shape.read_model.unwrap().parse(outcome.data);
    if (outcome.problem.kind === 'not-found') return unknownReadModel(name);
    throw new NotVerified(`${context} did not verify ${name}: ${outcome.problem.message}`);
  }

  private async outcomeOf(context: string, name: string, timeoutMs: number): Promise<QueryOutcome> {
    const question = { name, timeout_ms: timeoutMs - ANSWER_MS };
    try {
      return await this.bus.query(`query.${context}.verify-read-model`, question, { timeoutMs });
    } catch (fault) {
      if (!(fault instanceof NoAnswer)) throw fault;
      throw new NotVerified(`${context} did not verify ${name}: ${fault.message}`, {
        cause: fault,
      });
    }
  }
}

const unknownReadModel = (name: string): Rejection =>
  new Rejection('read-model-unknown', `there is no read model ${name}`, 'not-found', [
    { field: 'read_model', message: 'is not the name of a read model' },
  ]);
