import { workflowDefinition, type WorkflowDefinition } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { compileDefinition, type CompiledDefinition } from '@downbeat/saga-domain';
import type { Chance } from '../chance';
import { sequence, type Strategy } from './step-makers';

/** A definition as it is registered, and as it is understood. */
export interface Generated {
  readonly definition: WorkflowDefinition;
  readonly compiled: CompiledDefinition;
}

/** @throws {Error} It was refused: the generator is at fault. */
export function generatedDefinition(chance: Chance, name: string): Generated {
  const definition = workflowDefinition.parse({
    name,
    steps: sequence(chance, 's', 5),
    compensation_strategy: chance.oneOf<Strategy>('all', 'all', 'all', 'partial', 'none'),
    timeout_minutes: chance.oneOf(0.1, 0.5, 1, 1),
  });
  const compiled = compileDefinition(definition);
  if (compiled instanceof Rejection)
    throw new Error(`a definition was refused: ${JSON.stringify(compiled.errors)}`);
  return { definition, compiled };
}
