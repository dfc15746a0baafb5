import type { CommandContract, DataOf } from '@downbeat/contracts';
import type { Receipt } from '@downbeat/event-store';
import type { EventMeta, Instant, JsonObject } from '@downbeat/eventsourcing';
import type { CommandOutcome } from '@downbeat/message-bus';
import { Command } from '@nestjs/cqrs';
import type { z } from 'zod';

/** Where a command comes from, for the events it leads to. */
export interface Cause {
  readonly meta: EventMeta;
  /** Set when the command came over the bus: asked again with it, the first answer is given. */
  readonly commandId?: string;
  /** SHA-256 of what it says; goes wherever `commandId` goes. */
  readonly payloadHash?: string;
  /** The service in whose name its subject says that it is sent. */
  readonly inNameOf?: string;
  /** Set when the command is a reaction to a publication; it goes into the append. */
  readonly receipt?: Receipt;
}

/** A command on its way to its handler through Nest's command bus. */
export abstract class ContextCommand<Data extends JsonObject> extends Command<CommandOutcome> {
  constructor(
    readonly data: Data,
    /** When it arrived; the only clock its decider sees. */
    readonly at: Instant,
    readonly cause: Cause,
  ) {
    super();
  }
}

/** A class that carries one contract's command: `class RegisterService extends commandOf(registerService) {}`. */
export interface CommandClass<Contract extends CommandContract> {
  readonly contract: Contract;
  new (
    data: DataOf<Contract>,
    at: Instant,
    cause: Cause,
  ): ContextCommand<DataOf<Contract> & JsonObject>;
}

/** Any of them, for whoever only passes data on that the contract has validated. */
export interface AnyCommandClass {
  readonly contract: CommandContract;
  new (data: never, at: Instant, cause: Cause): Command<CommandOutcome>;
}

export function commandOf<Data extends z.ZodType<JsonObject>, Answer extends z.ZodType<JsonObject>>(
  contract: CommandContract<Data, Answer>,
): CommandClass<CommandContract<Data, Answer>> {
  return class extends ContextCommand<z.output<Data>> {
    static readonly contract = contract;
  };
}
