import type { Instant, JsonObject } from '@downbeat/eventsourcing';
import type { CompiledDefinition } from '../definition/compiled';
import { cancelledAround, withinOf } from './branches';
import { evolveRun } from './evolve';
import type { RunEvent } from './events';
import { contextIn, scopeOf } from './scopes';
import { spotOf, type Spot } from './spot';
import { isStarted, type Run } from './state';

/** A decision in the making: the events so far, and the run as they leave it. */
export class Draft {
  readonly events: RunEvent[] = [];
  /** At the end of a pause: the steps that were heard of during it, in the order of the log. */
  heard: readonly string[] = [];

  constructor(
    readonly definition: CompiledDefinition,
    private current: Run,
    readonly at: Instant,
  ) {}

  get run(): Run {
    return this.current;
  }

  get isHalted(): boolean {
    return this.current.halt !== undefined;
  }

  /** Nothing begins at this place any more: the run is halted, or a branch around it is cancelled. */
  isStopped(spot: Spot): boolean {
    return this.isHalted || cancelledAround(this.definition, this.current, spot) !== undefined;
  }

  record(event: RunEvent): void {
    const next = evolveRun(this.current, event);
    if (isStarted(next)) this.current = next;
    this.events.push(event);
  }

  spotOf(address: string): Spot {
    return spotOf(this.definition, address);
  }

  /** What a step at this place sees. */
  contextAt(spot: Spot): JsonObject {
    return contextIn(this.current, scopeOf(this.definition, spot));
  }

  /** Whose context a step at this place writes into, as its event says it. */
  scopeAt(spot: Spot): { readonly scope?: string } {
    const scope = scopeOf(this.definition, spot);
    return scope === undefined ? {} : { scope };
  }

  /** Where a failure at this place stays, as its event says it. */
  withinAt(spot: Spot) {
    return withinOf(this.definition, spot);
  }

  /** Every step that was reached. */
  *spots(): Iterable<Spot> {
    for (const address of this.current.steps.keys()) yield this.spotOf(address);
  }
}
