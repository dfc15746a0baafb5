import { createHash } from 'node:crypto';
import { checkUntrusted, idInSubject, validate, type CommandContract } from '@downbeat/contracts';
import { instantOf, Rejection, type JsonObject } from '@downbeat/eventsourcing';
import {
  deadLetter,
  done,
  HEADER,
  retry,
  type CommandOutcome,
  type Delivery,
  type Problem,
  type Settlement,
} from '@downbeat/message-bus';
import type { EventStore } from '@downbeat/event-store';
import type { CommandBus } from '@nestjs/cqrs';
import type { AnyCommandClass } from './context-command';
import { payloadHashOf } from './payload-hash';

/** The store takes 200 characters. */
const COMMAND_ID_LENGTH_MAX = 200;
/** Of commands about the same id that may come in any order, so many are handled beside each other. */
const BESIDE_EACH_OTHER = 4;

/** Command in: a delivery from the bus becomes a validated command, its outcome a settlement. */
export class CommandEntrance {
  private readonly classes: ReadonlyMap<string, AnyCommandClass>;

  constructor(
    classes: readonly AnyCommandClass[],
    private readonly commands: CommandBus,
    private readonly remembered: Pick<EventStore, 'answerOf'>,
    private readonly now: () => number,
  ) {
    this.classes = new Map(classes.map((one) => [one.contract.name, one]));
  }

  /**
   * Commands with the same one are handled one after another: also those that may come in any order, but in a few
   * lines, so that those about one id leave places to others while they wait. Repetitions are in one line.
   */
  orderKeyOf({ subject, id }: Pick<Delivery, 'subject' | 'id'>): string {
    const [, , name = ''] = subject.split('.');
    if (this.classes.get(name)?.contract.isInAnyOrder !== true) return subject;
    return `${subject} ${createHash('sha256').update(id).digest().readUInt32BE() % BESIDE_EACH_OTHER}`;
  }

  async handle(delivery: Delivery): Promise<Settlement> {
    const [, context, name = '', ...idParts] = delivery.subject.split('.');
    const Class = this.classes.get(name);
    if (!Class)
      return refuse(new Rejection('unknown-command', `${context} has no command ${name}`));

    const { id, service } = idInSubject(idParts);
    const body = withId(delivery.body, Class.contract, id);
    if (body instanceof Rejection) return misfit(body, Class.contract);
    const valid = validate(Class.contract.data, body);
    if (valid instanceof Rejection) return misfit(valid, Class.contract);
    const strange = strangeIn(valid.value, Class.contract, service);
    if (strange) return misfit(strange, Class.contract);

    const commandId = commandIdOf(delivery);
    const payloadHash = payloadHashOf(body);
    const command = new Class(valid.value as never, instantOf(this.now()), {
      commandId,
      payloadHash,
      ...(service === undefined ? {} : { inNameOf: service }),
      meta: {
        correlation_id: delivery.correlationId,
        causation_id: delivery.id,
        actor: delivery.actor,
        ...(delivery.traceparent === undefined ? {} : { traceparent: delivery.traceparent }),
      },
    });
    const outcome = await this.commands.execute(command);
    // What was accepted for the first time had nothing before it: only the others cost a look.
    const mayBeAnother = !outcome.accepted || outcome.repeated;
    if (mayBeAnother && (await this.wasAnother(commandId, payloadHash)))
      return done(refused(idReused(delivery)));
    return turnedAway(outcome, delivery) ?? done(outcome);
  }

  /** The id was accepted with other content. Answers of a release that kept no hashes are taken as they are. */
  private async wasAnother(commandId: string, payloadHash: string): Promise<boolean> {
    const earlier = await this.remembered.answerOf(commandId);
    return earlier?.payloadHash !== undefined && earlier.payloadHash !== payloadHash;
  }
}

/**
 * What may be accepted later is refused to those who can ask again. A command that nobody waits for
 * stays where it is, since its sender would never know: it comes again after the bus's back-off, but
 * not before `retry_after_seconds`, until its deliveries are used up. Then it is a dead letter.
 */
function turnedAway(outcome: CommandOutcome, { isAwaited }: Delivery): Settlement | undefined {
  if (outcome.accepted || outcome.problem.kind !== 'unavailable' || isAwaited()) return undefined;
  const { code, message, retry_after_seconds: seconds } = outcome.problem;
  return retry(`${code}: ${message}`, seconds === undefined ? undefined : seconds * 1_000);
}

/** An answer to another command would look like success. */
function idReused({ headers }: Delivery): Rejection {
  const field = headers[HEADER.messageId] ? HEADER.messageId : 'command_id';
  const message = 'was used for this command with another body';
  return new Rejection('idempotency-key-reused', `${field} ${message}`, 'conflict', [
    { field, message },
  ]);
}

/**
 * What the store remembers the command by. An id that somebody chose is theirs to reuse: with
 * another command, or on another aggregate, it is another command.
 */
export function commandIdOf({ subject, id }: Pick<Delivery, 'subject' | 'id'>): string {
  const scoped = `${subject} ${id}`;
  if (scoped.length <= COMMAND_ID_LENGTH_MAX) return scoped;
  return createHash('sha256').update(scoped).digest('hex');
}

/** The subject's last part is the command's id; the body may leave it out, but not contradict it. */
function withId(body: unknown, contract: CommandContract, id: string): JsonObject | Rejection {
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    return invalid('', 'must be a JSON object');
  const refused = checkUntrusted(body, contract.keysMax);
  if (refused) return refused;
  const { idField } = contract;
  const given = (body as JsonObject)[idField];
  if (given === undefined) return { ...body, [idField]: id };
  if (given !== id) return invalid(idField, `must be ${id}, as in the subject`);
  return body as JsonObject;
}

/** What whoever may send under the name of `service` has no right to say. */
function strangeIn(
  data: JsonObject,
  contract: CommandContract,
  service: string | undefined,
): Rejection | undefined {
  const errors = (service !== undefined && contract.misfitsOf?.(data, service)) || [];
  const [first] = errors;
  return (
    first && new Rejection('invalid-input', `${first.field} ${first.message}`, 'invalid', errors)
  );
}

const invalid = (field: string, message: string): Rejection =>
  new Rejection('invalid-input', `${field === '' ? 'the body' : field} ${message}`, 'invalid', [
    { field, message },
  ]);

/** Of a confidential command nothing is kept that could not be understood. */
const misfit = (rejection: Rejection, { isConfidential }: CommandContract): Settlement =>
  isConfidential === true ? done(refused(rejection)) : refuse(rejection);

/** What can never be understood is a dead letter whose reason names the place. */
function refuse(rejection: Rejection): Settlement {
  const places = rejection.errors.map(({ field, message }) => `${field} ${message}`.trim());
  return deadLetter(
    `${rejection.code}: ${places.length > 0 ? places.join('; ') : rejection.message}`,
    refused(rejection),
  );
}

/** A rejection in the words that leave the suite. */
export const problemOf = (rejection: Rejection): Problem => ({
  code: rejection.code,
  message: rejection.message,
  kind: rejection.kind,
  ...(rejection.errors.length === 0 ? {} : { errors: rejection.errors }),
});

/** A rejection as the outcome of its command. */
export const refused = (rejection: Rejection): CommandOutcome => ({
  accepted: false,
  problem: problemOf(rejection),
});
