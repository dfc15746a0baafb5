import { workflowDefinition, type WorkflowDefinition } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { compileDefinition, type CompiledDefinition } from '@downbeat/saga-domain';
import { Chance } from '../chance';
import type { Loose } from './loose';
import { sequence, type Strategy } from './sequence';

/** A definition as it is registered, and as it is understood. */
export interface Generated {
  readonly definition: WorkflowDefinition;
  readonly compiled: CompiledDefinition;
}

const STEPS_MAX = 5;
const PART_STEPS_MAX = 2;

/** What runs of a seed are made of: workflows that are started, and those that stand for their steps. */
export interface Catalogue {
  readonly books: readonly Generated[];
  readonly parts: readonly Generated[];
}

/** No workflow contains itself: each may contain those that were made before it. */
export function catalogueOf(seed: number, books: number): Catalogue {
  const of = (name: string, most: number, others: readonly Generated[]) => {
    const names = others.map(({ definition }) => definition.name);
    const chance = Chance.of(seed, `definition ${name}`);
    const hasSavepoints = chance.isLucky(0.5);
    const aside = Chance.of(seed, `aside ${name}`);
    const steps = sequence(chance, { aside, prefix: 's', most, hasSavepoints, others: names });
    return generatedDefinition(chance, name, steps);
  };
  const inner = of('part-1', PART_STEPS_MAX, []);
  const parts = [inner, of('part-0', PART_STEPS_MAX, [inner])];
  return {
    parts,
    books: Array.from({ length: books }, (_, index) => of(`book-${index}`, STEPS_MAX, parts)),
  };
}

const STRATEGIES = ['all', 'all', 'all', 'partial', 'partial', 'custom', 'none'] as const;

/** Names of the steps, at any depth, that can be undone. */
function undoableIn(steps: readonly Loose[]): readonly string[] {
  return steps.flatMap(({ name, type, compensation_action, branches = [], steps: items = [] }) => [
    ...(compensation_action || type === 'sub_workflow' ? [String(name)] : []),
    ...(branches as readonly { steps: readonly Loose[] }[]).flatMap((one) => undoableIn(one.steps)),
    ...undoableIn(items as readonly Loose[]),
  ]);
}

/** With the first time-out that leaves time for its delays. @throws {Error} The generator is at fault. */
function generatedDefinition(chance: Chance, name: string, steps: readonly Loose[]): Generated {
  const strategy = chance.oneOf<Strategy>(...STRATEGIES);
  const undoable = undoableIn(steps);
  const isCustom = strategy === 'custom' && undoable.length > 0;
  const compensation_strategy = strategy === 'custom' && !isCustom ? 'all' : strategy;
  const some = undoable.filter((_, index) => index === 0 || chance.isLucky(0.5));
  const custom = isCustom ? { compensation_steps: some } : {};
  const shortest = chance.oneOf(0.1, 0.5, 1, 1);
  let refusal: Rejection | undefined;
  for (const timeout_minutes of [shortest, 0.5, 1]) {
    const loose = { name, steps, compensation_strategy, ...custom, timeout_minutes };
    const definition = workflowDefinition.parse(loose);
    const compiled = compileDefinition(definition);
    if (!(compiled instanceof Rejection)) return { definition, compiled };
    refusal ??= compiled;
  }
  throw new Error(`a definition was refused: ${JSON.stringify(refusal?.errors)}`);
}
