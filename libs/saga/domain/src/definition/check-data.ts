import type { FieldError } from '@downbeat/eventsourcing';
import type { Mapping } from '../expressions/mapping';
import {
  END,
  isRequest,
  type CompiledMap,
  type CompiledParallel,
  type CompiledStep,
} from './compiled';

type Steps = ReadonlyMap<string, CompiledStep>;

/** One use of a context key, and the place that says so. */
interface Use {
  readonly key: string;
  /** The name selected from its value. */
  readonly inner?: string | undefined;
  readonly field: string;
}

/**
 * Branches that run side by side may not touch what the other writes, and a compensation may not
 * read what only a later step writes. Whether start data holds a key cannot be known here.
 */
export function checkData(steps: Steps, errors: FieldError[]): void {
  for (const step of steps.values())
    // Branches of a race do not see one another at all.
    if (step.type === 'parallel' && step.join !== 'race') checkBranches(step, steps, errors);
  checkCompensations(steps, errors);
}

function checkBranches(parallel: CompiledParallel, steps: Steps, errors: FieldError[]): void {
  const branches = parallel.branches.map(({ name }, index) => {
    const prefix = `${parallel.path}.branches.${index}.`;
    const inner = [...parallel.inner].flatMap((step) => steps.get(step) ?? []);
    const own = inner.filter(({ path }) => path.startsWith(prefix));
    const maps = (step: CompiledStep) => mapsAround(step, parallel, steps);
    return {
      name,
      // What is written for an item is seen there only.
      writes: own.filter((step) => maps(step).length === 0).flatMap(writesOf),
      reads: own.flatMap((step) => {
        const local = new Set(maps(step).flatMap((map) => [...localsOf(map, steps)]));
        return readsOf(step, steps).filter(({ key }) => !local.has(key));
      }),
    };
  });
  for (const branch of branches) {
    const writes = new Set(branch.writes.map(({ key }) => key));
    for (const other of branches) {
      if (other === branch) continue;
      for (const { key, field } of other.reads)
        if (writes.has(key))
          errors.push({
            field,
            message: `reads ${key}, which branch ${branch.name} writes meanwhile`,
          });
      // Named once, at the later of the two.
      if (branches.indexOf(other) < branches.indexOf(branch)) continue;
      for (const { key, field } of other.writes)
        if (writes.has(key))
          errors.push({ field, message: `is written by branch ${branch.name} too` });
    }
  }
}

/** The maps between a step and a step around it. */
function mapsAround(step: CompiledStep, outer: CompiledStep, steps: Steps): readonly CompiledMap[] {
  const parent = step.parent === undefined ? undefined : steps.get(step.parent);
  if (!parent || parent === outer) return [];
  return [...(parent.type === 'map' ? [parent] : []), ...mapsAround(parent, outer, steps)];
}

/** The keys that an item of a map has for itself. */
function localsOf(map: CompiledMap, steps: Steps): ReadonlySet<string> {
  const inner = [...map.inner].flatMap((name) => steps.get(name) ?? []);
  return new Set([map.as, ...inner.flatMap(writesOf).map(({ key }) => key)]);
}

function checkCompensations(steps: Steps, errors: FieldError[]): void {
  const writers = new Map<string, string[]>();
  for (const step of steps.values())
    for (const { key } of writesOf(step))
      writers.set(key, [...(writers.get(key) ?? []), step.name]);

  const reachable = new Map<string, ReadonlySet<string>>();
  for (const step of steps.values()) {
    if (step.type !== 'service_call' || !step.undo) continue;
    for (const { key, field } of mappingUses(
      step.undo.input,
      `${step.path}.compensation_action.input_mapping`,
    )) {
      if (key === 'output') continue;
      const names = writers.get(key);
      if (
        !names ||
        names.some((name) => name === step.name || comesBefore(name, step, steps, reachable))
      )
        continue;
      errors.push({
        field,
        message: `reads ${key}, which only ${names.join(', ')} writes, and ${step.name} is undone as of its own end`,
      });
    }
  }
}

/** Whether `name` can have ended when `step` ends: there is a way from it, or from a step around it. */
function comesBefore(
  name: string,
  step: CompiledStep,
  steps: Steps,
  reachable: Map<string, ReadonlySet<string>>,
): boolean {
  const later = selfAndAround(step, steps);
  const writer = steps.get(name);
  if (!writer) return false;
  return selfAndAround(writer, steps).some((from) => {
    let ahead = reachable.get(from.name);
    if (!ahead) reachable.set(from.name, (ahead = aheadOf(from, steps)));
    return later.some((around) => ahead.has(around.name));
  });
}

function selfAndAround(step: CompiledStep, steps: Steps): readonly CompiledStep[] {
  const parent = step.parent === undefined ? undefined : steps.get(step.parent);
  return parent ? [step, ...selfAndAround(parent, steps)] : [step];
}

/** The steps of its own sequence that can follow `step`. */
export function aheadOf(step: CompiledStep, steps: Steps): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting = [...targetsOf(step)];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const target = name === END || found.has(name) ? undefined : steps.get(name);
    if (!target) continue;
    found.add(name);
    waiting.push(...targetsOf(target));
  }
  return found;
}

/** Where a sequence can go on behind `step`. */
export function targetsOf(step: CompiledStep): readonly string[] {
  if (step.type === 'decision')
    return [step.next, step.otherwise, ...step.cases.map(({ goto }) => goto)];
  if (isRequest(step)) return [step.next, ...step.onError.map(({ goto }) => goto)];
  return [step.next];
}

export function writesOf(step: CompiledStep): readonly Use[] {
  const uses = ({ fields }: Mapping, place: string): readonly Use[] =>
    fields.map(({ key }) => ({ key, field: `${step.path}.${place}.${key}` }));
  switch (step.type) {
    case 'service_call':
    case 'sub_workflow':
    case 'wait_for_signal':
      return uses(step.output, 'output_mapping');
    case 'map':
      return uses(step.collect, 'collect');
    case 'decision':
    case 'delay':
    case 'publish':
    case 'parallel':
      return [];
  }
}

export function readsOf(step: CompiledStep, steps: Steps): readonly Use[] {
  const condition = step.condition ? pathUses(step.condition.paths, `${step.path}.conditions`) : [];
  switch (step.type) {
    case 'service_call':
      return [
        ...condition,
        ...mappingUses(step.call.input, `${step.path}.input_mapping`),
        ...mappingUses(step.output, `${step.path}.output_mapping`),
        ...(step.undo
          ? mappingUses(step.undo.input, `${step.path}.compensation_action.input_mapping`)
          : []),
      ];
    case 'decision':
      return [
        ...condition,
        ...step.cases.flatMap(({ when }, index) =>
          pathUses(when.paths, `${step.path}.cases.${index}.when`),
        ),
      ];
    case 'wait_for_signal':
      return [...condition, ...mappingUses(step.output, `${step.path}.output_mapping`)];
    case 'sub_workflow':
      return [
        ...condition,
        ...mappingUses(step.call.input, `${step.path}.input_mapping`),
        ...mappingUses(step.output, `${step.path}.output_mapping`),
      ];
    case 'publish':
      return [...condition, ...mappingUses(step.payload, `${step.path}.payload`)];
    case 'map': {
      const local = localsOf(step, steps);
      const collected = mappingUses(step.collect, `${step.path}.collect`);
      return [
        ...condition,
        ...step.items.reads.flatMap(({ path }) => pathUses([path], `${step.path}.items`)),
        ...collected.filter(({ key }) => !local.has(key)),
      ];
    }
    case 'delay':
    case 'parallel':
      return condition;
  }
}

const mappingUses = (mapping: Mapping, place: string): readonly Use[] =>
  mapping.reads.flatMap(({ key, path }) => pathUses([path], `${place}.${key}`));

const pathUses = (paths: readonly (readonly string[])[], field: string): readonly Use[] =>
  paths.map(([root = '', second, third]) =>
    root === 'context' && second !== undefined
      ? { key: second, inner: third, field }
      : { key: root, inner: second, field },
  );
