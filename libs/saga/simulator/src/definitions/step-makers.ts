import type { Step, WorkflowDefinition } from '@downbeat/contracts';
import type { Chance } from '../chance';

export type Loose = Readonly<Record<string, unknown>>;

/** What is known where a step is made. */
export interface Place {
  readonly chance: Chance;
  readonly name: string;
  /** The names of the steps that follow it in its sequence. */
  readonly following: readonly string[];
  /** A sequence inside of it; its steps' names begin with `prefix`. */
  readonly nested: (prefix: string) => readonly Loose[];
}

interface StepMaker {
  /** How often, beside the others. */
  readonly weight: number;
  /** Has sequences inside. */
  readonly isNest?: boolean;
  readonly make: (place: Place) => Loose;
}

const condition = (chance: Chance): string =>
  chance.oneOf('flag', '!flag', 'true', 'count > 2', 'count < 2', 'missing.key');

const retryPolicy = (chance: Chance) => ({
  max_retries: chance.oneOf(0, 1, 1, 2, 3),
  initial_delay_ms: chance.oneOf(20, 100, 400),
  jitter: chance.oneOf(0, 0.5),
  ...(chance.isLucky(0.2) ? { retry_on: [chance.oneOf<string | number>('4xx', 409, 'any')] } : {}),
});

const call = (chance: Chance, name: string) => ({
  service_name: name,
  endpoint: `/${name}`,
  retry_policy: retryPolicy(chance),
  timeout_seconds: chance.oneOf(0.3, 0.8, 2),
});

type StepType = Extract<Step['type'], 'service_call' | 'decision' | 'delay' | 'parallel'>;

/** One entry per type of step that is made. */
const STEP_MAKERS: Readonly<Record<StepType, StepMaker>> = {
  service_call: {
    weight: 8,
    make: ({ chance, name }) => ({
      ...call(chance, name),
      optional: chance.isLucky(0.2),
      ...(chance.isLucky(0.1) ? { method: 'GET' } : {}),
      ...(chance.isLucky(0.15) ? { conditions: condition(chance) } : {}),
      ...(chance.isLucky(0.3) ? { input_mapping: { n: 'count' } } : {}),
      output_mapping: chance.isLucky(0.5) ? { [name]: '=output.id' } : { [name]: 'id' },
      ...(chance.isLucky(0.8)
        ? {
            compensation_action: {
              ...call(chance, `${name}-undo`),
              input_mapping: chance.isLucky(0.1) ? { id: '=output.id' } : { id: 'output.id' },
            },
          }
        : {}),
    }),
  },
  decision: {
    weight: 2,
    make: ({ chance, following }) => ({
      cases: [{ when: condition(chance), goto: chance.pick([...following, 'end']) ?? 'end' }],
    }),
  },
  delay: {
    weight: 1.5,
    make: ({ chance }) => ({ delay_seconds: chance.oneOf(0, 0.1, 0.3, 0.6) }),
  },
  parallel: {
    weight: 2,
    isNest: true,
    make: ({ chance, name, nested }) => ({
      branches: Array.from({ length: 1 + chance.below(3) }, (_, index) => ({
        name: `b${index}`,
        steps: nested(`${name}-${index}-`),
      })),
    }),
  },
};

const TYPES = Object.keys(STEP_MAKERS) as readonly StepType[];
export const STEP_TYPES: readonly string[] = TYPES;

const DEPTH_MAX = 2;

/** A sequence of one to `most` steps. */
export function sequence(
  chance: Chance,
  prefix: string,
  most: number,
  depth = 0,
): readonly Loose[] {
  const names = Array.from({ length: 1 + chance.below(most) }, (_, index) => `${prefix}${index}`);
  return names.map((name, index) => {
    const type = typeOf(chance, depth < DEPTH_MAX);
    const place: Place = {
      chance,
      name,
      following: names.slice(index + 1),
      nested: (inner) => sequence(chance, inner, 2, depth + 1),
    };
    return { name, type, ...STEP_MAKERS[type].make(place) };
  });
}

function typeOf(chance: Chance, mayNest: boolean): StepType {
  const types = TYPES.filter((type) => mayNest || !STEP_MAKERS[type].isNest);
  const all = types.reduce((sum, type) => sum + STEP_MAKERS[type].weight, 0);
  let left = chance.next() * all;
  for (const type of types) {
    left -= STEP_MAKERS[type].weight;
    if (left < 0) return type;
  }
  return 'service_call';
}

export type Strategy = WorkflowDefinition['compensation_strategy'];
