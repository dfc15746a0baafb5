import { EventStore, execute, intent, type Intent, type Snapshot } from '@downbeat/event-store';
import { fold, Rejection, type Instant } from '@downbeat/eventsourcing';
import {
  dependencyGraph,
  dependencyStream,
  requiredEdges,
  type DeclareDependencies,
  type DependenciesDeclared,
  type DependencyGraph,
  type SaidDependencies,
} from '@downbeat/registry-domain';
import type { Cause } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';

/** Keeps the graph of all dependencies free of circles, whichever replica is asked. */
@Injectable()
export class DeclaredDependencies {
  private known: Snapshot<DependencyGraph> = {
    ...{ state: dependencyGraph.initialState, version: 0, position: 0 },
  };
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly store: EventStore) {}

  /**
   * To be called before the service itself says what it needs: a crash in between leaves its command
   * unanswered, so that it comes again.
   *
   * @returns Why it cannot need that, or nothing.
   */
  declare(
    service_name: string,
    dependencies: SaidDependencies,
    at: Instant,
    cause: Cause,
  ): Promise<Rejection | undefined> {
    const data = { service_name, dependencies };
    return this.inTurn(() => this.carryOut({ type: 'DeclareDependencies', data, at }, cause));
  }

  /**
   * For what is declared together with the service itself: a crash leaves both or none.
   *
   * @param carryOut Given nothing when nothing of it is news.
   */
  async declaring<Outcome>(
    service_name: string,
    dependencies: SaidDependencies,
    at: Instant,
    { meta }: Cause,
    carryOut: (declared?: Intent) => Promise<Outcome>,
  ): Promise<Outcome> {
    const data = { service_name, dependencies };
    const command: DeclareDependencies = { type: 'DeclareDependencies', data, at };
    const decision = dependencyGraph.decide(command, (await this.newest()).state);
    if (!(decision instanceof Rejection) && decision.length === 0) return carryOut();
    return this.inTurn(async () =>
      carryOut(intent(dependencyGraph, dependencyStream, command, meta, await this.newest())),
    );
  }

  /** Those that cannot work without it. */
  async dependentsOf(serviceName: string): Promise<readonly string[]> {
    const { state } = await this.newest();
    return [...requiredEdges(state)]
      .filter(([, needed]) => needed.includes(serviceName))
      .map(([dependent]) => dependent);
  }

  /** One after the other: they all append to one stream, where one at a time can be first. */
  private inTurn<Outcome>(work: () => Promise<Outcome>): Promise<Outcome> {
    const done = this.turn.then(work, work);
    this.turn = done;
    return done;
  }

  private async carryOut(
    command: DeclareDependencies,
    { commandId, meta }: Cause,
  ): Promise<Rejection | undefined> {
    const from = await this.newest();
    const decision = dependencyGraph.decide(command, from.state);
    const isChange = decision instanceof Rejection || decision.length > 0;
    // What was accepted before is not declared again over what came after it.
    if (!isChange || (commandId !== undefined && (await this.store.answerOf(commandId))))
      return undefined;
    const result = await execute(this.store, dependencyGraph, dependencyStream, command, {
      ...{ meta, from },
      ...(commandId !== undefined && { commandId: ownId(commandId) }),
    });
    return result instanceof Rejection ? result : undefined;
  }

  private async newest(): Promise<Snapshot<DependencyGraph>> {
    const { state, version, position } = this.known;
    const news = await this.store.load<DependenciesDeclared>(dependencyStream, version);
    const newest = {
      state: fold(dependencyGraph, news, state),
      version: version + news.length,
      position: news.at(-1)?.position ?? position,
    };
    if (newest.version > this.known.version) this.known = newest;
    return newest;
  }
}

/** Two deliveries of one command may be under way at once; the later one declares nothing. */
const ownId = (commandId: string): string =>
  createHash('sha256').update(`${commandId} dependencies`).digest('hex');
