import type { JsonObject } from '@downbeat/eventsourcing';
import type { CompiledDefinition } from '../definition/compiled';
import { allAround, type Around, type Spot } from './spot';
import type { Run, ScopeId } from './state';

export const scopeId = (group: string, branch: string): ScopeId => `${group}/${branch}`;

const isIsolated = ({ group: { step } }: Around): boolean =>
  step.type === 'map' || step.join === 'race';

/** The innermost scope a step stands in; undefined: the context of the run itself. */
export function scopeOf(definition: CompiledDefinition, spot: Spot): ScopeId | undefined {
  const around = allAround(definition, spot).find(isIsolated);
  return around && scopeId(around.group.address, around.branch);
}

/** What is seen from a scope: its own keys on top of all around it. */
export function contextIn(run: Run, scope: ScopeId | undefined): JsonObject {
  if (scope === undefined) return run.context;
  const group = run.steps.get(groupOf(scope));
  const outer = group?.status === 'branching' ? group.scope : undefined;
  return { ...contextIn(run, outer), ...run.scopes.get(scope) };
}

/** Own keys only are written, and none of a prototype: the definition was checked for them. */
export function withChanges(run: Run, scope: ScopeId | undefined, changes: JsonObject): Run {
  if (scope === undefined) return { ...run, context: { ...run.context, ...changes } };
  const scopes = new Map(run.scopes).set(scope, { ...run.scopes.get(scope), ...changes });
  return { ...run, scopes };
}

/** A group is done: what its branches had for themselves is of no use any more. */
export function withoutScopesOf(run: Run, group: string): Run {
  if (![...run.scopes.keys()].some((scope) => groupOf(scope) === group)) return run;
  return { ...run, scopes: new Map([...run.scopes].filter(([scope]) => groupOf(scope) !== group)) };
}

const groupOf = (scope: ScopeId): string => scope.slice(0, scope.lastIndexOf('/'));
