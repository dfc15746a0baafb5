import {
  healthContract,
  messagingContract,
  querySubject,
  registryContract,
  sagaContract,
  type AnswerOf,
  type QueryContract,
} from '@downbeat/contracts';
import { Fault, type JsonObject } from '@downbeat/eventsourcing';
import { cascade, together, type CriticalNeed } from '@downbeat/observability-domain';
import { MessageBus } from '@downbeat/message-bus';
import { Clock } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import {
  breakerSamples,
  deadLetterSamples,
  incidentSamples,
  openSince,
  serviceSamples,
  type OpenSince,
} from './context-samples';
import type { Source } from './measurements';

const ANSWER_MS_MAX = 3_000;
const PAGE = 200;
/** Who needs whom changes seldom, and is much. */
const GRAPH_KEPT_MS = 30_000;

/** Asked for again when others fail than before. */
interface Graph {
  readonly atMs: number;
  readonly of: string;
  readonly needs: readonly CriticalNeed[];
}

/** A context said that it cannot answer now. */
export class NotAnswered extends Fault {
  override readonly name = 'NotAnswered';
  readonly code = 'alerts/not-answered';
  readonly remedy = 'retry';
}

/** Asks the contexts, as anybody could. */
@Injectable()
export class ContextSources {
  private since: OpenSince = new Map();
  private graph: Graph | undefined;

  constructor(
    private readonly bus: MessageBus,
    private readonly clock: Clock,
  ) {}

  readonly all: readonly Source[] = [
    { name: 'health', measure: () => this.health() },
    { name: 'messaging', measure: () => this.deadLetters() },
    { name: 'saga', measure: () => this.incidents() },
  ];

  private async health() {
    const { components } = await this.ask(healthContract.systemHealth, { limit: PAGE });
    const breakers = [...(await this.breakers('open')), ...(await this.breakers('half_open'))];
    this.since = openSince(this.since, breakers);
    const failing = new Set([
      ...Object.entries(components)
        .filter(([, { status }]) => status === 'unhealthy')
        .map(([name]) => name),
      ...breakers.map(({ target_service }) => target_service),
    ]);
    return together([
      serviceSamples(components),
      breakerSamples(breakers, this.since, this.clock.now()),
      cascade(failing.size > 0 ? await this.needs(failing) : [], failing),
    ]);
  }

  private async breakers(state: 'open' | 'half_open') {
    const asked = { state, limit: PAGE };
    return (await this.ask(healthContract.listCircuitBreakers, asked)).circuit_breakers;
  }

  private async needs(failing: ReadonlySet<string>): Promise<readonly CriticalNeed[]> {
    const nowMs = this.clock.now();
    const of = [...failing].sort().join(' ');
    if (this.graph?.of === of && nowMs - this.graph.atMs < GRAPH_KEPT_MS) return this.graph.needs;
    const { dependencies } = await this.ask(registryContract.dependencyGraph, {});
    const needs = dependencies.filter(({ is_critical }) => is_critical);
    this.graph = { atMs: nowMs, of, needs };
    return needs;
  }

  private async deadLetters() {
    const asked = { status: 'quarantined', limit: 1 };
    return deadLetterSamples((await this.ask(messagingContract.listDeadLetters, asked)).groups);
  }

  private async incidents() {
    const asked = { status: 'open', limit: PAGE };
    const { incidents } = await this.ask(sagaContract.listIncidents, asked);
    return incidentSamples(incidents, this.clock.now());
  }

  private async ask<Contract extends QueryContract>(
    contract: Contract,
    input: JsonObject,
  ): Promise<AnswerOf<Contract>> {
    const asked = { timeoutMs: ANSWER_MS_MAX };
    const outcome = await this.bus.query(querySubject(contract), { input }, asked);
    if (!outcome.ok) throw new NotAnswered(`${contract.name}: ${outcome.problem.message}`);
    return outcome.data as AnswerOf<Contract>;
  }
}
