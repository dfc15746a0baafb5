import type { Chance } from '../chance';
import type { Loose } from './loose';

/** That several steps call, so that they wait for one another. */
export const COMMON_SERVICE = 'common';

/** Each has a first match that hides a later one now and then, or a class that no rule names. */
const RULES: readonly (readonly Loose[])[] = [
  [
    { match: ['timeout'], max_retries: 2, initial_delay_ms: 50 },
    { match: ['5xx'], max_retries: 1 },
  ],
  [{ match: ['4xx'], max_retries: 1, jitter: 0 }],
  [{ match: [503, 409], max_retries: 0 }, { match: ['any'] }],
  [
    { match: ['connection'], max_retries: 3, initial_delay_ms: 20 },
    { match: ['timeout', '5xx'], backoff_multiplier: 1 },
  ],
  [
    { match: [503], max_retries: 2 },
    { match: ['5xx', 429], max_retries: 1, max_delay_ms: 30 },
  ],
];

const CAUGHT: readonly (readonly (readonly (string | number)[])[])[] = [
  [['any']],
  [['unknown']],
  [['4xx'], ['any']],
  [[409], ['5xx', 'timeout']],
  [['unusable', 'failed']],
  [['connection'], ['unknown']],
];

export const retryPolicy = (chance: Chance) => ({
  max_retries: chance.oneOf(0, 1, 1, 2, 3),
  initial_delay_ms: chance.oneOf(20, 100, 400),
  jitter: chance.oneOf(0, 0.5),
  ...(chance.isLucky(0.2) ? { retry_on: [chance.oneOf<string | number>('4xx', 409, 'any')] } : {}),
  ...(chance.isLucky(0.3) ? { rules: chance.pick(RULES) } : {}),
});

export const call = (chance: Chance, name: string) => ({
  service_name: chance.isLucky(0.3) ? COMMON_SERVICE : name,
  endpoint: `/${name}`,
  retry_policy: retryPolicy(chance),
  timeout_seconds: chance.oneOf(0.3, 0.8, 2),
});

/** Ways to go on in spite of a failure. */
export function onError(chance: Chance, following: readonly string[]): Loose {
  if (!chance.isLucky(0.3)) return {};
  const entries = chance.pick(CAUGHT) ?? [];
  const goto = () => chance.pick([...following, 'end']) ?? 'end';
  return { on_error: entries.map((match) => ({ match, goto: goto() })) };
}

const CAUGHT_CHILDREN: readonly (readonly (readonly string[])[])[] = [
  [['any']],
  [['failed']],
  [['unusable'], ['any']],
  [['failed', 'unusable']],
];

/** The same for a run that stands for a step: it has no class of failures. */
export function childOnError(chance: Chance, following: readonly string[]): Loose {
  if (!chance.isLucky(0.4)) return {};
  const entries = chance.pick(CAUGHT_CHILDREN) ?? [];
  const goto = () => chance.pick([...following, 'end']) ?? 'end';
  return { on_error: entries.map((match) => ({ match, goto: goto() })) };
}

/** How a call is undone, if it can be. */
export function undo(chance: Chance, name: string): Loose {
  if (!chance.isLucky(0.8)) return {};
  return {
    compensation_action: {
      ...call(chance, `${name}-undo`),
      // Of an answer without an id it cannot be formed, and waits for a person.
      input_mapping: chance.isLucky(0.1) ? { id: '=output.id' } : { id: 'output.id' },
    },
    ...(chance.isLucky(0.25) ? { undo_failed_step: true } : {}),
  };
}
