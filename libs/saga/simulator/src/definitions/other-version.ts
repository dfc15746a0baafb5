import { workflowDefinition, type WorkflowDefinition } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { compileDefinition, type Purpose } from '@downbeat/saga-domain';
import { Chance } from '../chance';
import { call, childOnError, retryPolicy, undo } from './call-makers';
import type { Generated } from './generated-definition';
import type { Loose } from './loose';

type Change = (chance: Chance, definition: Loose, version: string) => Loose;

const TRIES = 5;

/** Another version of a definition: the same workflow with one to three things changed. */
export function otherVersion(seed: number, base: Generated, version: string): Generated {
  const { name } = base.definition;
  const chance = Chance.of(seed, `version ${name} ${version}`);
  for (let tries = 0; tries < TRIES; tries++) {
    let loose: Loose = { ...(base.definition as unknown as Loose), version };
    for (let changes = 1 + chance.below(3); changes > 0; changes--)
      loose = chance.pick(CHANGES)?.(chance, loose, version) ?? loose;
    // Where a step is gone others may still lead to it.
    const compiled = compileDefinition(parsed(loose));
    if (!(compiled instanceof Rejection)) return { definition: parsed(loose), compiled };
  }
  const definition = { ...base.definition, version };
  const compiled = compileDefinition(definition);
  if (compiled instanceof Rejection) throw new Error(`${name} ${version} was refused`);
  return { definition, compiled };
}

/**
 * A version that calls a step elsewhere, or undoes it elsewhere: where it is right.
 *
 * @returns Undefined when that is no call.
 */
export function repairedVersion(
  { definition }: Generated,
  version: string,
  { name, purpose }: { readonly name: string; readonly purpose: Purpose },
): Generated | undefined {
  const loose = definition as unknown as Loose;
  const found = allIn(stepsOf(loose)).find((step) => step['name'] === name);
  if (found?.['type'] !== 'service_call') return undefined;
  const change = (step: Loose) =>
    purpose === 'undo' ? undoneElsewhere(step, version) : calledElsewhere(step, version);
  const repaired = parsed({ ...loose, version, steps: replaced(stepsOf(loose), name, change) });
  const compiled = compileDefinition(repaired);
  return compiled instanceof Rejection ? undefined : { definition: repaired, compiled };
}

const parsed = (loose: Loose): WorkflowDefinition => workflowDefinition.parse(loose);

const stepsOf = ({ steps }: Loose): readonly Loose[] => steps as readonly Loose[];
const branchesOf = ({ branches = [] }: Loose): readonly Loose[] => branches as readonly Loose[];

/** With those inside of others. */
const allIn = (steps: readonly Loose[]): readonly Loose[] =>
  steps.flatMap((step) => [
    step,
    ...branchesOf(step).flatMap((branch) => allIn(stepsOf(branch))),
    ...(step['type'] === 'map' ? allIn(stepsOf(step)) : []),
  ]);

/** The steps with one of them changed, wherever it stands. */
const replaced = (
  steps: readonly Loose[],
  name: unknown,
  change: (step: Loose) => Loose,
): readonly Loose[] =>
  steps.map((step): Loose => {
    if (step['name'] === name) return change(step);
    if (step['type'] === 'map') return { ...step, steps: replaced(stepsOf(step), name, change) };
    if (step['type'] !== 'parallel') return step;
    const branches = branchesOf(step).map((branch) => ({
      ...branch,
      steps: replaced(stepsOf(branch), name, change),
    }));
    return { ...step, branches };
  });

/** Of a step of one type, if there is one. */
const ofOne =
  (types: readonly string[], change: (chance: Chance, step: Loose, version: string) => Loose) =>
  (chance: Chance, definition: Loose, version: string): Loose => {
    const steps = stepsOf(definition);
    const found = chance.pick(allIn(steps).filter(({ type }) => types.includes(String(type))));
    if (!found) return definition;
    const changed = change(chance, found, version);
    return { ...definition, steps: replaced(steps, found['name'], () => changed) };
  };

const added = (chance: Chance, version: string): Loose => {
  const name = `v${version.replaceAll('.', '')}-${chance.below(100)}`;
  return {
    name,
    type: 'service_call',
    ...call(chance, name),
    input_mapping: chance.isLucky(0.5) ? { n: 'count' } : {},
    output_mapping: { [name]: 'id' },
    ...undo(chance, name),
  };
};

const CHANGES: readonly Change[] = [
  (chance, definition, version) => ({
    ...definition,
    steps: [...stepsOf(definition), added(chance, version)],
  }),
  (chance, definition, version) => {
    const steps = stepsOf(definition);
    const at = chance.below(steps.length);
    return { ...definition, steps: steps.toSpliced(at, 0, added(chance, version)) };
  },
  (_, definition) => {
    const steps = stepsOf(definition);
    return { ...definition, steps: steps.length > 1 ? steps.slice(0, -1) : steps };
  },
  (chance, definition) => {
    const steps = stepsOf(definition);
    const at = chance.below(steps.length);
    return { ...definition, steps: [...steps.slice(at), ...steps.slice(0, at)] };
  },
  ofOne(['parallel', 'map'], (chance, step, version) => {
    const more = (inside: Loose): Loose => ({
      ...inside,
      steps: [...stepsOf(inside), added(chance, version)],
    });
    if (step['type'] === 'map') return more(step);
    const branches = branchesOf(step);
    const at = chance.below(branches.length);
    return { ...step, branches: branches.map((one, index) => (index === at ? more(one) : one)) };
  }),
  ofOne(['service_call'], (_, step, version) => calledElsewhere(step, version)),
  ofOne(['service_call'], (chance, step) => {
    const { n, ...rest } = step['input_mapping'] as Loose;
    const isOther = n === undefined || chance.isLucky(0.3);
    return { ...step, input_mapping: isOther ? { ...rest, n: 'count' } : rest };
  }),
  ofOne(['service_call'], (_, step, version) => undoneElsewhere(step, version)),
  ofOne(['service_call'], (chance, step) => ({ ...step, retry_policy: retryPolicy(chance) })),
  ofOne(['sub_workflow'], (chance, { on_error: _, ...step }) => ({
    ...step,
    ...childOnError(chance, []),
  })),
  ofOne(['wait_for_signal'], (chance, step) => ({ ...step, signal: chance.oneOf('go', 'paid') })),
  (chance, { compensation_steps: _, ...definition }) => ({
    ...definition,
    compensation_strategy: chance.oneOf('all', 'partial', 'none'),
  }),
  (chance, definition) => {
    const steps = stepsOf(definition);
    const at = chance.below(steps.length);
    const isSafe = chance.isLucky(0.6);
    return {
      ...definition,
      steps: steps.map((step, index) => {
        const { savepoint: _, ...plain } = step;
        if (index !== at) return step;
        return isSafe ? { ...plain, savepoint: true } : plain;
      }),
    };
  },
];

function calledElsewhere(step: Loose, version: string): Loose {
  return { ...step, endpoint: `/${String(step['name'])}/${version}` };
}

/** Also what was not undone at all. */
function undoneElsewhere(step: Loose, version: string): Loose {
  const name = `${String(step['name'])}-undo`;
  const before = (step['compensation_action'] ?? {
    service_name: name,
    input_mapping: { id: 'output.id' },
  }) as Loose;
  return { ...step, compensation_action: { ...before, endpoint: `/${name}/${version}` } };
}
