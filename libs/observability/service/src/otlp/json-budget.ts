import type { ReadBudget } from './read-budget';

/**
 * Takes what a parsed request has from its budget, before anything is made of it: spans by the length
 * of their lists, and all keys and places in lists.
 *
 * @throws {RequestRefused} It has too much.
 */
export function takeJson(request: unknown, budget: ReadBudget): void {
  for (const resource of listIn(request, 'resourceSpans'))
    for (const scope of listIn(resource, 'scopeSpans'))
      budget.takeSpans(listIn(scope, 'spans').length);
  // Without recursion: what is nested too deep is found by who looks for it.
  const waiting = [request];
  while (waiting.length > 0) {
    const inner = waiting.pop();
    if (inner === null || typeof inner !== 'object') continue;
    const members: readonly unknown[] = Array.isArray(inner) ? inner : Object.values(inner);
    budget.takeParts(members.length);
    for (const member of members) waiting.push(member);
  }
}

function listIn(holder: unknown, field: string): readonly unknown[] {
  if (holder === null || typeof holder !== 'object') return [];
  const list: unknown = (holder as Readonly<Record<string, unknown>>)[field];
  return Array.isArray(list) ? list : [];
}
