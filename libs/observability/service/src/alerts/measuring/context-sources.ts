import {
  healthContract,
  messagingContract,
  registryContract,
  sagaContract,
} from '@downbeat/contracts';
import { cascade, together, type CriticalNeed } from '@downbeat/observability-domain';
import { MessageBus } from '@downbeat/message-bus';
import { Clock } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { ask } from './asking';
import {
  breakerName,
  breakerSamples,
  missedIn,
  openSince,
  type OpenSince,
} from './breaker-samples';
import { deadLetterSamples, incidentSamples, serviceSamples } from './context-samples';
import { cutShort, cutShortOf } from './cut-short';
import { breakersIn } from './failing-breakers';
import type { Source } from './measurements';
import { OverdueRuns } from './overdue-runs';

const PAGE = 200;
/** Who needs whom changes seldom, and is much. */
const GRAPH_KEPT_MS = 30_000;

/** Asked for again when others fail than before. */
interface Graph {
  readonly atMs: number;
  readonly of: string;
  readonly needs: readonly CriticalNeed[];
}

/** Asks the contexts, as anybody could. */
@Injectable()
export class ContextSources {
  private since: OpenSince = new Map();
  private graph: Graph | undefined;

  constructor(
    private readonly bus: MessageBus,
    private readonly clock: Clock,
    private readonly runs: OverdueRuns,
  ) {}

  readonly all: readonly Source[] = [
    { name: 'health', measure: () => this.health() },
    { name: 'messaging', measure: () => this.deadLetters() },
    { name: 'incidents', measure: () => this.incidents() },
    { name: 'runs', measure: () => this.runs.measure() },
  ];

  private async health() {
    // Of before this look: one that is taken beside it, for a preview, misses what this one does.
    const { since } = this;
    const { components, components_omitted } = await ask(this.bus, healthContract.systemHealth, {
      limit: PAGE,
    });
    // The worst come first: behind a healthy one there is nothing to know, unless it inherits a failure.
    const isCut =
      components_omitted > 0 &&
      !Object.values(components).some(
        ({ status, inherited }) => status === 'healthy' && !inherited,
      );
    const states = [await breakersIn(this.bus, 'open'), await breakersIn(this.bus, 'half_open')];
    const breakers = states.flatMap((one) => one.breakers);
    const isAnyCut = states.some((one) => one.isCut);
    this.since = openSince(since, breakers, this.clock.now(), isAnyCut);
    const failing = new Set([
      ...Object.entries(components)
        .filter(([, { status }]) => status === 'unhealthy')
        .map(([name]) => name),
      ...breakers.map(({ target_service }) => target_service),
    ]);
    const missed = missedIn(this.since);
    return together([
      cutShort(serviceSamples(components), isCut),
      cutShortOf(
        cutShort(breakerSamples(breakers, this.since, this.clock.now()), isAnyCut),
        new Set(missed.map(breakerName)),
      ),
      cutShortOf(
        cutShort(
          cascade(failing.size > 0 ? await this.needs(failing) : [], failing),
          isCut || isAnyCut,
        ),
        new Set(missed.map(({ target_service }) => target_service)),
      ),
    ]);
  }

  private async needs(failing: ReadonlySet<string>): Promise<readonly CriticalNeed[]> {
    const nowMs = this.clock.now();
    const of = [...failing].sort().join(' ');
    if (this.graph?.of === of && nowMs - this.graph.atMs < GRAPH_KEPT_MS) return this.graph.needs;
    const { dependencies } = await ask(this.bus, registryContract.dependencyGraph, {});
    const needs = dependencies.filter(({ is_critical }) => is_critical);
    this.graph = { atMs: nowMs, of, needs };
    return needs;
  }

  private async deadLetters() {
    const asked = { status: 'quarantined', limit: 1 };
    const { groups, by_status } = await ask(this.bus, messagingContract.listDeadLetters, asked);
    const counted = groups.reduce((sum, { count }) => sum + count, 0);
    return cutShort(deadLetterSamples(groups), counted < by_status.quarantined);
  }

  private async incidents() {
    const asked = { status: 'open', limit: PAGE };
    const { incidents, next_cursor } = await ask(this.bus, sagaContract.listIncidents, asked);
    return cutShort(incidentSamples(incidents, this.clock.now()), next_cursor !== undefined);
  }
}
