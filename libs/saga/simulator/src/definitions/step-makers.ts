import type { Step } from '@downbeat/contracts';
import type { Chance } from '../chance';
import { call, childOnError, onError, undo } from './call-makers';
import type { Loose } from './loose';

export type Join = 'all' | 'settle' | 'race';

/** Names that steps wait for, so few that several steps of a run wait for the same one. */
const SIGNALS = ['go', 'paid'] as const;

/** What is known where a step is made. */
export interface Place {
  readonly chance: Chance;
  /** For what was thought of later, so that the rest stays as it is. */
  readonly aside: Chance;
  readonly name: string;
  /** The names of the steps that follow it in its sequence. */
  readonly following: readonly string[];
  /** Steps before it in its sequence whose failures are caught. */
  readonly catching: readonly string[];
  /** Workflows that may stand for a step here. */
  readonly others: readonly string[];
  /** A race may not stand where it could be cancelled itself. */
  readonly joins: readonly Join[];
  /** A sequence inside of it, of a step with this join; its steps' names begin with `prefix`. */
  readonly nested: (prefix: string, join: Join) => readonly Loose[];
}

interface StepMaker {
  /** How often, beside the others. */
  readonly weight: number;
  /** Has sequences inside. */
  readonly isNest?: boolean;
  /** Needs other workflows. */
  readonly needsOthers?: boolean;
  readonly make: (place: Place) => Loose;
}

const condition = (chance: Chance): string =>
  chance.oneOf('flag', '!flag', 'true', 'count > 2', 'count < 2', 'missing.key');

/** An answer or a payload without an id is taken by a path, and refused by an expression. */
const outputMapping = (chance: Chance, name: string) =>
  chance.isLucky(0.5) ? { [name]: '=output.id' } : { [name]: 'id' };

/** One entry per type of step: a type without one does not compile. */
export const STEP_MAKERS: Readonly<Record<Step['type'], StepMaker>> = {
  service_call: {
    weight: 8,
    make: ({ chance, name, following, catching }) => ({
      ...call(chance, name),
      optional: chance.isLucky(0.2),
      ...onError(chance, following),
      ...(chance.isLucky(0.1) ? { method: 'GET' } : {}),
      ...(chance.isLucky(0.15) ? { conditions: condition(chance) } : {}),
      input_mapping: {
        ...(chance.isLucky(0.5) ? { n: 'count' } : {}),
        ...whyOf(chance, catching),
      },
      output_mapping: outputMapping(chance, name),
      ...undo(chance, name),
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
    make: ({ chance }) => ({ delay_seconds: chance.oneOf(0, 0.3, 1.5, 4) }),
  },
  wait_for_signal: {
    weight: 1.5,
    make: ({ chance, name }) => ({
      signal: chance.oneOf(...SIGNALS),
      output_mapping: outputMapping(chance, name),
      ...(chance.isLucky(0.1) ? { conditions: condition(chance) } : {}),
      ...(chance.isLucky(0.7) ? { timeout_seconds: chance.oneOf(0.3, 2, 5) } : {}),
      ...fallbackOf(chance),
    }),
  },
  publish: {
    weight: 1,
    make: ({ chance }) => ({
      event: 'said',
      payload: { n: chance.oneOf('count', '=count + 1', 'missing.key', '=missing.key') },
    }),
  },
  sub_workflow: {
    weight: 1.5,
    needsOthers: true,
    make: ({ chance, aside, name, following, others }) => ({
      workflow_name: chance.pick(others) ?? '',
      ...(chance.isLucky(0.3) ? { workflow_version: '1.0.0' } : {}),
      input_mapping: {
        flag: 'flag',
        list: 'list',
        ...(chance.isLucky(0.9) ? { count: chance.oneOf('count', '=count + 1') } : {}),
      },
      output_mapping: chance.isLucky(0.8) ? { [name]: 'count' } : { [name]: '=output.count' },
      ...childOnError(aside, following),
    }),
  },
  parallel: {
    weight: 3,
    isNest: true,
    make: ({ chance, name, joins, nested }) => {
      const join = chance.pick(joins) ?? 'all';
      return {
        join,
        branches: Array.from({ length: 1 + chance.below(3) }, (_, index) => ({
          name: `b${index}`,
          steps: nested(`${name}-${index}-`, join),
        })),
      };
    },
  },
  map: {
    weight: 1.5,
    isNest: true,
    make: ({ chance, name, nested }) => {
      const join = chance.oneOf('all', 'settle');
      const steps = nested(`${name}-`, join);
      const [catching] = steps.flatMap(({ name, on_error }) => (on_error ? [String(name)] : []));
      return {
        join,
        items: chance.oneOf('list', 'list', 'list', '=[1, 2, 3, 4]', 'missing.key', 'count'),
        max_items: chance.oneOf(2, 5, 5),
        concurrency: chance.oneOf(1, 2, 2, 5),
        steps,
        collect: {
          [name]: chance.oneOf('item', '=item * 2', 'missing.key', '=missing.key'),
          ...(catching === undefined ? {} : { [`${name}-why`]: `errors.${catching}.class` }),
        },
      };
    },
  },
};

/** Only a wait that ends has a use for a default; the last of two keys counts. */
const fallbackOf = (chance: Chance) =>
  chance.isLucky(0.4) ? { timeout_seconds: chance.oneOf(0.3, 2), default: { id: 0 } } : {};

/** What a step before was caught with, if it was. */
const whyOf = (chance: Chance, catching: readonly string[]): Loose => {
  const caught = chance.pick(catching);
  return caught === undefined ? {} : { why: `errors.${caught}.class` };
};
