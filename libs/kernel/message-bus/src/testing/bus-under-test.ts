import { Fault } from '@downbeat/eventsourcing';
import type { CommandOutcome } from '../command-outcome';
import type { DeadLetter } from '../dead-letters';
import type { MessageBus, Subscription } from '../message-bus';
import type { MemoryDeadLetters } from './memory-dead-letters';

/** A bus to look at, and what any other client of its server could do. */
export interface BusUnderTest {
  readonly bus: MessageBus;
  readonly deadLetters: MemoryDeadLetters;
  /** Publishes a body as it is and waits for whatever is answered. */
  readonly send: (
    subject: string,
    payload: string | Uint8Array,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<CommandOutcome>;
}

export type Behaviour = (test: BusUnderTest) => Promise<void>;

export class Broken extends Fault {
  override readonly name = 'Broken';
  readonly code = 'test/broken';

  constructor(readonly remedy: 'retry' | 'give-up') {
    super('it is\nbroken');
  }
}

export const accepted = (position: number): CommandOutcome => ({
  accepted: true,
  position,
  answer: { at: position },
  repeated: false,
});

export const refused: CommandOutcome = {
  accepted: false,
  problem: { code: 'name-taken', message: 'the name is taken', kind: 'conflict' },
};

export const subscription = (
  handle: Subscription['handle'],
  more: Partial<Subscription> = {},
): Subscription => ({
  durable: 'registry-commands',
  subject: 'command.registry.>',
  handle,
  ...more,
});

export const textOf = (letter: DeadLetter | undefined): string =>
  String(Buffer.from(letter?.body ?? []));

export const name = 'command.registry.RegisterService.billing';
export const nameOf = (id: string): string => `command.registry.RegisterService.${id}`;
