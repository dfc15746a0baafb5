import { randomUUID } from 'node:crypto';
import { messagingContract, type AnswerOf, type CommandContract } from '@downbeat/contracts';
import type { NatsLink } from '../nats/nats-link';
import { commandSuite } from '../nats/suite-requests';
import type { Arrival } from './arrival';

/** The suite did not answer, or not in a way that is known. What was asked may be done; asking again is safe. */
export class SuiteSilent extends Error {
  override readonly name = 'SuiteSilent';
  readonly code = 'sdk/suite-silent';
}

/** The suite said no. */
export class SuiteRefused extends Error {
  override readonly name = 'SuiteRefused';
  readonly code = 'sdk/suite-refused';

  constructor(
    readonly problem: string,
    message: string,
  ) {
    super(message);
  }
}

/** What the suite says of topics that were subscribed to. */
export interface Bound {
  /** The life of the stream, which now has consumers for the topics. */
  readonly created: string;
  /** Those that are queues: their services share their consumers. */
  readonly shared: ReadonlySet<string>;
  /** By topic, where its queue says how often a message is delivered. */
  readonly deliveriesMax: ReadonlyMap<string, number>;
}

const ASK_TIMEOUT_MS = 5_000;
const { subscribeService, quarantineMessage, confirmRedriven } = messagingContract;

/** What a service asks the suite about its messages: commands whose acceptance is waited for. */
export class SuiteDesk {
  constructor(
    private readonly link: NatsLink,
    private readonly service: string,
  ) {}

  /** @throws {SuiteSilent} @throws {SuiteRefused} */
  async subscribe(topics: readonly string[]): Promise<Bound> {
    const { stream_created, shared, deliveries_max } = (await this.ask(subscribeService, {
      topics,
    })) as AnswerOf<typeof subscribeService>;
    return {
      created: String(stream_created),
      shared: new Set(shared),
      deliveriesMax: new Map(Object.entries(deliveries_max ?? {})),
    };
  }

  /** @returns The id of the dead letter, which is committed. @throws {SuiteSilent} @throws {SuiteRefused} */
  async quarantine(arrival: Arrival, error: string): Promise<string> {
    const { deliveries: attempts } = arrival;
    const answer = await this.ask(quarantineMessage, { ...place(arrival), attempts, error });
    return String(answer['dead_letter_id']);
  }

  /** @throws {SuiteSilent} @throws {SuiteRefused} */
  async confirm(arrival: Arrival): Promise<void> {
    await this.ask(confirmRedriven, place(arrival));
  }

  private async ask(contract: CommandContract, data: object): Promise<Record<string, unknown>> {
    const { service } = this;
    const ids = { subjectId: service, commandId: randomUUID(), actor: service };
    const outcome = await commandSuite(this.link, contract, ids, data, ASK_TIMEOUT_MS);
    if (outcome.kind === 'said') return outcome.said as Record<string, unknown>;
    if (outcome.kind === 'refused') throw new SuiteRefused(outcome.code, outcome.message);
    throw new SuiteSilent(`${contract.name}: ${outcome.reason}`);
  }
}

const place = ({ streamCreated, sequence }: Arrival) => ({
  stream_created: streamCreated,
  stream_sequence: sequence,
});
