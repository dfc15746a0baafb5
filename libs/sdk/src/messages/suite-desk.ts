import { randomUUID } from 'node:crypto';
import { messagingContract, type CommandContract } from '@downbeat/contracts';
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

const ASK_TIMEOUT_MS = 5_000;
const { subscribeService, quarantineMessage, confirmRedriven } = messagingContract;

/** What a service asks the suite about its messages: commands whose acceptance is waited for. */
export class SuiteDesk {
  constructor(
    private readonly link: NatsLink,
    private readonly service: string,
  ) {}

  /** @returns The life of the stream, which now has consumers for the topics. @throws {SuiteSilent} @throws {SuiteRefused} */
  async subscribe(topics: readonly string[]): Promise<string> {
    const answer = await this.ask(subscribeService, { topics });
    return String(answer['stream_created']);
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
