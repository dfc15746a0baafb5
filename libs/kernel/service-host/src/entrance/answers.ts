import {
  checkUntrusted,
  querySubject,
  validate,
  type AnswerOf,
  type InputOf,
  type QueryContract,
} from '@downbeat/contracts';
import {
  Fault,
  Rejection,
  type Instant,
  type JsonObject,
  type Position,
} from '@downbeat/eventsourcing';
import type { Problem, QueryOutcome } from '@downbeat/message-bus';
import type { Read, ReadAs } from '@downbeat/projections';
import { Ctx, MessagePattern, Payload, type BaseRpcContext } from '@nestjs/microservices';
import { z } from 'zod';
import { problemOf } from './command-entrance';
import { ForeignCursor } from './pages';

/** A validated question: what is asked, and of which moment. */
export interface Question<Input> {
  readonly input: Input;
  readonly as: ReadAs;
}

const envelope = z.strictObject({
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
    const answer = async function (
      this: unknown,
      payload: unknown,
      context?: BaseRpcContext,
    ): Promise<QueryOutcome> {
      const question = questionOf(contract, payload, context?.getArgByIndex(SUBJECT) as string);
      if (question instanceof Rejection) return unanswered(problemOf(question));
      try {
        const read = await ask.call(this, question);
        return read instanceof Rejection
          ? unanswered(problemOf(read))
          : { ok: true, position: read.position, data: read.data };
      } catch (fault) {
        if (!(fault instanceof Fault)) throw fault;
        return unanswered(problemOfFault(fault));
      }
    };
    // From here on the method is the transport's: it takes the payload as it came.
    descriptor.value = answer as unknown as Method;
    const subject = querySubject(contract);
    const patterns = contract.askedFor === undefined ? subject : [subject, `${subject}.*`];
    MessagePattern(patterns)(target, key, descriptor);
    if (contract.askedFor === undefined) return;
    Payload()(target, key, 0);
    Ctx()(target, key, 1);
  };

/** Where the bus puts the subject into what it says of a question. */
const SUBJECT = 1;

function questionOf<Contract extends QueryContract>(
  contract: Contract,
  payload: unknown,
  subject?: string,
): Question<InputOf<Contract>> | Rejection {
  const refused = checkUntrusted(payload);
  if (refused) return refused;
  const outer = validate(envelope, payload ?? {});
  if (outer instanceof Rejection) return outer;
  const { input, at, min_position } = outer.value;
  if (at !== undefined && contract.presentOnly !== undefined)
    return presentOnly(contract.presentOnly);
  const inner = validate(contract.input, input as JsonObject);
  if (inner instanceof Rejection) return inner;
  const another = askedForAnother(contract, inner.value as JsonObject, subject);
  if (another) return another;
  return {
    input: inner.value as InputOf<Contract>,
    as: {
      ...(at === undefined ? {} : { at: at as Position | Instant }),
      ...(min_position === undefined ? {} : { min_position }),
    },
  };
}

function presentOnly(reason: string): Rejection {
  const message = `is not possible here: ${reason}`;
  return new Rejection('invalid-input', `at ${message}`, 'invalid', [{ field: 'at', message }]);
}

/** Who may ask on a subject is the server's to know; what is asked has to be what the subject says. */
function askedForAnother(
  contract: QueryContract,
  input: JsonObject,
  subject: string | undefined,
): Rejection | undefined {
  const { askedFor } = contract;
  const lead = `${querySubject(contract)}.`;
  if (askedFor === undefined || !subject?.startsWith(lead)) return undefined;
  const named = subject.slice(lead.length);
  if (input[askedFor] === named) return undefined;
  const message = `must be ${named}, as in the subject`;
  return new Rejection('invalid-input', `${askedFor} ${message}`, 'invalid', [
    { field: askedFor, message },
  ]);
}

/** Faults of the kernel that whoever asked brought about, and the field they did it with. */
const FIELD_OF: Readonly<Record<string, string>> = {
  'projections/read-position-ahead': 'at',
  'projections/invalid-read-position': 'at',
};

/** @throws What asking again cannot help with, and nobody who asks should hear of. */
function problemOfFault(fault: Fault): Problem {
  const field = fault instanceof ForeignCursor ? 'cursor' : FIELD_OF[fault.code];
  if (field !== undefined) {
    const errors = [{ field, message: fault.message }];
    return problemOf(
      new Rejection('invalid-input', `${field} ${fault.message}`, 'invalid', errors),
    );
  }
  if (fault.remedy === 'give-up') throw fault;
  return { code: fault.code, message: fault.message, kind: 'unavailable' };
}

const unanswered = (problem: Problem): QueryOutcome => ({ ok: false, problem });
