import { querySubject, validate, type AnswerOf, type InputOf, type QueryContract } from '@downbeat/contracts';
import { Fault, Rejection, type Instant, type JsonObject, type Position } from '@downbeat/eventsourcing';
import type { QueryOutcome } from '@downbeat/message-bus';
import type { Read, ReadAs } from '@downbeat/projections';
import { MessagePattern } from '@nestjs/microservices';
import { z } from 'zod';
import { problemOf } from './command-entrance';

/** A validated question: what is asked, and of which moment. */
export interface Question<Input> {
  readonly input: Input;
  readonly as: ReadAs;
}

const envelope = z.object({
  input: z.record(z.string(), z.json()).default({}),
  at: z.union([z.number().int().min(0), z.iso.datetime()]).optional(),
  min_position: z.number().int().min(0).optional(),
});

type Asked<Contract extends QueryContract> = (
  question: Question<InputOf<Contract>>,
) => Promise<Read<AnswerOf<Contract>> | Rejection>;

/**
 * Answers a query of the contracts: `@Answers(listServices)` on a controller's method. The method
 * gets the validated question; what it refuses becomes a problem, what it finds goes out with its position.
 */
export const Answers =
  <Contract extends QueryContract>(contract: Contract) =>
  <Method extends Asked<Contract>>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void => {
    const ask: Asked<Contract> | undefined = descriptor.value;
    if (!ask) throw new TypeError(`@Answers must decorate a method, not ${String(key)}`);
    const answer = async function (this: unknown, payload: unknown): Promise<QueryOutcome> {
      const question = questionOf(contract, payload);
      if (question instanceof Rejection) return unanswered(question);
      try {
        const read = await ask.call(this, question);
        return read instanceof Rejection
          ? unanswered(read)
          : { ok: true, position: read.position, data: read.data };
      } catch (fault) {
        if (!(fault instanceof Fault) || fault.remedy === 'give-up') throw fault;
        return { ok: false, problem: { code: fault.code, message: fault.message, kind: 'unavailable' } };
      }
    };
    // From here on the method is the transport's: it takes the payload as it came.
    descriptor.value = answer as unknown as Method;
    MessagePattern(querySubject(contract))(target, key, descriptor);
  };

function questionOf<Contract extends QueryContract>(
  contract: Contract,
  payload: unknown,
): Question<InputOf<Contract>> | Rejection {
  const outer = validate(envelope, payload ?? {});
  if (outer instanceof Rejection) return outer;
  const { input, at, min_position } = outer.value;
  const inner = validate(contract.input, input as JsonObject);
  if (inner instanceof Rejection) return inner;
  return {
    input: inner.value as InputOf<Contract>,
    as: {
      ...(at === undefined ? {} : { at: at as Position | Instant }),
      ...(min_position === undefined ? {} : { min_position }),
    },
  };
}

const unanswered = (rejection: Rejection): QueryOutcome => ({
  ok: false,
  problem: problemOf(rejection),
});
