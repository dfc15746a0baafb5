import type { OnError } from '@downbeat/contracts';
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

function isTaken(
  one: OnError['match'][number],
  taken: ReadonlySet<OnError['match'][number]>,
): boolean {
  if (taken.has('any') || taken.has(one)) return true;
  return typeof one === 'number' && taken.has(one < 500 ? '4xx' : '5xx') && one >= 400;
}
