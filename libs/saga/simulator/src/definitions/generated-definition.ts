import { workflowDefinition, type WorkflowDefinition } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { compileDefinition, type CompiledDefinition } from '@downbeat/saga-domain';
import { Chance } from '../chance';
import { sequence, type Strategy } from './sequence';
import type { Loose } from './step-makers';

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
  const of = (name: string, most: number, isPart: boolean, others: readonly Generated[]) => {
    const names = others.map(({ definition }) => definition.name);
    const chance = Chance.of(seed, `definition ${name}`);
    const steps = sequence(chance, { prefix: 's', most, isPart, others: names });
    return generatedDefinition(chance, name, steps);
  };
  const inner = of('part-1', PART_STEPS_MAX, true, []);
  const parts = [inner, of('part-0', PART_STEPS_MAX, true, [inner])];
  return {
    parts,
    books: Array.from({ length: books }, (_, index) =>
      of(`book-${index}`, STEPS_MAX, false, parts),
    ),
  };
}

/** With the first time-out that leaves time for its delays. @throws {Error} The generator is at fault. */
function generatedDefinition(chance: Chance, name: string, steps: readonly Loose[]): Generated {
  const compensation_strategy = chance.oneOf<Strategy>('all', 'all', 'all', 'partial', 'none');
  const shortest = chance.oneOf(0.1, 0.5, 1, 1);
  let refusal: Rejection | undefined;
  for (const timeout_minutes of [shortest, 0.5, 1]) {
    const loose = { name, steps, compensation_strategy, timeout_minutes };
    const definition = workflowDefinition.parse(loose);
    const compiled = compileDefinition(definition);
    if (!(compiled instanceof Rejection)) return { definition, compiled };
    refusal ??= compiled;
  }
  throw new Error(`a definition was refused: ${JSON.stringify(refusal?.errors)}`);
}
