import { CAUGHT_OUTCOMES, type OnError } from '@downbeat/contracts';
import type { FieldError } from '@downbeat/eventsourcing';

type Matching = Pick<OnError, 'match'>;

/** The first that matches counts, so one whose every case an earlier one takes is a mistake. */
export function checkReachable(
  entries: readonly Matching[],
  path: string,
  errors: FieldError[],
): void {
  const taken = new Set<OnError['match'][number]>();
  entries.forEach(({ match }, index) => {
    if (match.every((one) => isTaken(one, taken)))
      errors.push({
        field: `${path}.${index}.match`,
        message: 'is matched by earlier ones already',
      });
    for (const one of match) taken.add(one);
  });
}

/** Another run fails with a reason of its own, and with no class or status of a call. */
export function checkOutcomesOnly(
  entries: readonly Matching[],
  path: string,
  errors: FieldError[],
): void {
  entries.forEach(({ match }, index) => {
    const strange = match.find((one) => one !== 'any' && !OUTCOMES.has(one));
    if (strange !== undefined)
      errors.push({
        field: `${path}.${index}.match`,
        message: `names ${strange}; a sub-workflow ends as ${CAUGHT_OUTCOMES.join(', ')} or any of them`,
      });
  });
}
const OUTCOMES: ReadonlySet<OnError['match'][number]> = new Set(CAUGHT_OUTCOMES);

function isTaken(
  one: OnError['match'][number],
  taken: ReadonlySet<OnError['match'][number]>,
): boolean {
  if (taken.has('any') || taken.has(one)) return true;
  return typeof one === 'number' && taken.has(one < 500 ? '4xx' : '5xx') && one >= 400;
}
