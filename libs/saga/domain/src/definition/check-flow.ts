import type { Step } from '@downbeat/contracts';
import type { FieldError } from '@downbeat/eventsourcing';
import { END, type CompiledStep, type Target } from './compiled';
import { innerSequences } from './sequences';

/** A way from one step to another, and the place in the definition that says so. */
interface Edge {
  readonly to: Target;
  readonly field: string;
}

/** Every way leads to a step of the same sequence, none forms a loop, every step can be reached. */
export function checkFlow(
  sequence: readonly Step[],
  steps: ReadonlyMap<string, CompiledStep>,
  errors: FieldError[],
): void {
  const names = new Set(sequence.map(({ name }) => name));
  const before = errors.length;
  const edges = new Map(
    sequence.map((step, index) => [step.name, edgesOf(step, sequence[index + 1]?.name, steps)]),
  );
  for (const { to, field } of [...edges.values()].flat()) {
    if (to === END || names.has(to)) continue;
    const elsewhere = steps.get(to);
    errors.push({
      field,
      message: elsewhere
        ? `leads to ${to}, which stands in another sequence (${elsewhere.path})`
        : `leads to ${to}, and there is no such step`,
    });
  }
  if (errors.length === before) checkPaths(sequence, edges, steps, errors);
  for (const step of sequence)
    for (const inner of innerSequences(step)) checkFlow(inner.steps, steps, errors);
}

function edgesOf(
  step: Step,
  following: Target | undefined,
  steps: ReadonlyMap<string, CompiledStep>,
): readonly Edge[] {
  const path = steps.get(step.name)?.path ?? '';
  const next: Edge = { to: step.next ?? following ?? END, field: `${path}.next` };
  if (step.type === 'service_call' || step.type === 'sub_workflow')
    return [
      next,
      ...(step.on_error ?? []).map(({ goto }, index) => ({
        to: goto,
        field: `${path}.on_error.${index}.goto`,
      })),
    ];
  if (step.type !== 'decision') return [next];
  const cases = step.cases.map(({ goto }, index) => ({
    to: goto,
    field: `${path}.cases.${index}.goto`,
  }));
  const otherwise = step.default ? { to: step.default, field: `${path}.default` } : next;
  // `next` is taken when the decision itself is skipped.
  const isNextTaken = step.conditions !== undefined && step.default !== undefined;
  // A `next` that is never taken must name a step all the same, or it misleads its reader.
  const isNextNamed = step.next !== undefined && step.default !== undefined;
  return isNextTaken || isNextNamed ? [...cases, otherwise, next] : [...cases, otherwise];
}

function checkPaths(
  sequence: readonly Step[],
  edges: ReadonlyMap<string, readonly Edge[]>,
  steps: ReadonlyMap<string, CompiledStep>,
  errors: FieldError[],
): void {
  const state = new Map<string, 'open' | 'done'>();
  const visit = (name: string): void => {
    state.set(name, 'open');
    for (const { to, field } of edges.get(name) ?? []) {
      if (to === END) continue;
      if (state.get(to) === 'open')
        errors.push({ field, message: `leads back to ${to}: a workflow may not form a loop` });
      else if (!state.has(to)) visit(to);
    }
    state.set(name, 'done');
  };
  const [first] = sequence;
  if (first) visit(first.name);
  for (const { name } of sequence)
    if (!state.has(name))
      errors.push({
        field: steps.get(name)?.path ?? name,
        message: `${name} can never be reached`,
      });
}
