import { withNamedTargets, type CallFigures } from '@downbeat/observability-domain';
import type { Names, TargetNames } from './target-names';

interface Taken {
  readonly source: string;
  readonly names: Names;
  readonly name: string;
}

/** What one report may name. What it takes is taken from others at once, and given back if it is not accepted. */
export class TargetRoom {
  private taken: readonly Taken[] = [];

  constructor(
    private readonly known: ReadonlyMap<string, Names>,
    private readonly all: TargetNames,
  ) {}

  /** The figures with as many targets as there is room for. */
  take(calls: readonly CallFigures[]): CallFigures[] {
    this.giveBack();
    const { calls: bounded, named } = withNamedTargets(calls, this.known);
    // Not what reports beside this one took: they may give it back still.
    this.taken = [...named].flatMap(([source, own]) => {
      const names = this.known.get(source) ?? new Map<string, number>();
      const wanted = [...own].filter((name) => names.get(name) !== Infinity);
      return wanted.map((name) => ({ source, names, name }));
    });
    this.settle(({ names, name }) => names.set(name, (names.get(name) ?? 0) + 1));
    return bounded;
  }

  /** The report was accepted: its names count from now on. */
  keep(): void {
    this.settle(({ names, name }) => names.set(name, Infinity));
    this.taken = [];
  }

  giveBack(): void {
    this.settle(({ names, name }) => {
      const others = (names.get(name) ?? 1) - 1;
      if (others > 0) names.set(name, others);
      else names.delete(name);
    });
    this.taken = [];
  }

  private settle(each: (one: Taken) => void): void {
    this.taken.forEach(each);
    const changed = new Map(this.taken.map(({ source, names }) => [source, names]));
    for (const [source, names] of changed) this.all.recount(source, names);
  }
}
