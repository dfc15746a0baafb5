import {
  querySubject,
  registryContract,
  type AnswerOf,
  type QueryContract,
} from '@downbeat/contracts';
import { Fault, type JsonObject } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import { SERVICES_MAX, type KnownServices } from '@downbeat/observability-domain';
import { Injectable, Logger } from '@nestjs/common';

const { dependencyGraph, listServices } = registryContract;

/** All questions together: less than whoever asks for the map waits. */
const TIMEOUT_MS = 6_000;
const PAGE = 200;

type View = Pick<KnownServices, 'registered' | 'declared' | 'isRegistryHeard' | 'servicesOmitted'>;

const UNHEARD: View = { registered: [], declared: [], isRegistryHeard: false, servicesOmitted: 0 };

/**
 * What is registered and declared, from whom it is true: the registry, at the very position that the
 * calls are read at. A copy here would be a second graph of dependencies.
 */
@Injectable()
export class RegistryView {
  private readonly logger = new Logger(RegistryView.name);

  constructor(private readonly bus: MessageBus) {}

  /** @param as `at`, `min_position`: as the registry is asked. */
  async seen(as: JsonObject): Promise<View> {
    const untilMs = performance.now() + TIMEOUT_MS;
    try {
      const graph = await this.ask(dependencyGraph, {}, as, untilMs);
      const registered: KnownServices['registered'][number][] = [];
      let cursor: string | undefined;
      let total = 0;
      do {
        const input = { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
        const page = await this.ask(listServices, input, as, untilMs);
        registered.push(...page.services);
        total = page.total_services;
        cursor = page.next_cursor;
      } while (cursor !== undefined && registered.length < SERVICES_MAX);
      return {
        registered,
        declared: graph.dependencies,
        isRegistryHeard: true,
        servicesOmitted: Math.max(0, total - registered.length),
      };
    } catch (fault) {
      // What was observed is worth seeing all the more when a part of the suite is away.
      if (!(fault instanceof RegistryUnheard) && !(fault instanceof Fault)) throw fault;
      this.logger.warn({ err: fault }, 'the registry does not say what is registered');
      return UNHEARD;
    }
  }

  private async ask<Contract extends QueryContract>(
    contract: Contract,
    input: JsonObject,
    as: JsonObject,
    untilMs: number,
  ): Promise<AnswerOf<Contract>> {
    const payload = { input, ...as };
    const timeoutMs = Math.ceil(untilMs - performance.now());
    if (timeoutMs <= 0) throw new RegistryUnheard('it has not said all in time');
    const outcome = await this.bus.query(querySubject(contract), payload, { timeoutMs });
    if (!outcome.ok) throw new RegistryUnheard(outcome.problem.message);
    return outcome.data as AnswerOf<Contract>;
  }
}

class RegistryUnheard extends Error {
  override readonly name = 'RegistryUnheard';
}
