import type { Instant } from '@downbeat/eventsourcing';
import type { CompiledDefinition } from '../definition/compiled';
import { evolveRun } from './evolve';
import type { RunEvent } from './events';
import { isStarted, isUnderWay, type Run } from './state';

/** A decision in the making: the events so far, and the run as they leave it. */
export class Draft {
  readonly events: RunEvent[] = [];

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

  record(event: RunEvent): void {
    const next = evolveRun(this.current, event);
    if (isStarted(next)) this.current = next;
    this.events.push(event);
  }

  isAnyUnderWay(names: Iterable<string>): boolean {
    for (const name of names) if (isUnderWay(this.current.steps.get(name))) return true;
    return false;
  }
}
