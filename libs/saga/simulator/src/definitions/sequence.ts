import type { Step, WorkflowDefinition } from '@downbeat/contracts';
import type { Chance } from '../chance';
import type { Loose } from './loose';
import { STEP_MAKERS, type Join, type Place } from './step-makers';

const TYPES = Object.keys(STEP_MAKERS) as readonly Step['type'][];
export const STEP_TYPES: readonly string[] = TYPES;

const DEPTH_MAX = 2;
const JOINS: readonly Join[] = ['all', 'settle', 'race'];

/** Where a sequence stands. */
interface Standing {
  readonly aside: Chance;
  readonly prefix: string;
  /** Steps at most. */
  readonly most: number;
  readonly others: readonly string[];
  /** Places that a compensation may go back to stand in it. */
  readonly hasSavepoints?: boolean;
  readonly joins?: readonly Join[];
  readonly depth?: number;
}

/** A sequence of one to `most` steps. */
export function sequence(chance: Chance, standing: Standing): readonly Loose[] {
  const { aside, prefix, most, others, hasSavepoints = false, joins = JOINS, depth = 0 } = standing;
  const names = Array.from({ length: 1 + chance.below(most) }, (_, index) => `${prefix}${index}`);
  const catching: string[] = [];
  return names.map((name, index): Loose => {
    const type = typeOf(chance, depth < DEPTH_MAX, others.length > 0);
    const place: Place = {
      chance,
      aside,
      name,
      following: names.slice(index + 1),
      catching: [...catching],
      others,
      joins,
      nested: (inner, join) =>
        sequence(chance, {
          aside,
          prefix: inner,
          most: 2,
          others,
          joins: join === 'all' ? joins : joins.filter((other) => other !== 'race'),
          depth: depth + 1,
        }),
    };
    const step: Loose = STEP_MAKERS[type].make(place);
    if (step['on_error']) catching.push(name);
    return { name, type, ...step, ...(hasSavepoints ? savepoint(chance, name) : {}) };
  });
}

const savepoint = (chance: Chance, name: string): Loose =>
  chance.isLucky(0.4) ? { savepoint: chance.oneOf<boolean | string>(true, `${name}-safe`) } : {};

function typeOf(chance: Chance, mayNest: boolean, hasOthers: boolean): Step['type'] {
  const types = TYPES.filter((type) => {
    const { isNest, needsOthers } = STEP_MAKERS[type];
    return (mayNest || !isNest) && (hasOthers || !needsOthers);
  });
  const all = types.reduce((sum, type) => sum + STEP_MAKERS[type].weight, 0);
  let left = chance.next() * all;
  for (const type of types) {
    left -= STEP_MAKERS[type].weight;
    if (left < 0) return type;
  }
  return 'service_call';
}

export type Strategy = WorkflowDefinition['compensation_strategy'];
