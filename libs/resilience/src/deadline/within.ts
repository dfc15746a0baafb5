import { Alarm } from './alarm';
import type { Clockwork } from './clockwork';

/**
 * What somebody else's work comes to, for as long as one waits for it. The work goes on.
 *
 * @param late What it is rejected with at `dueMs`; Infinity: never.
 */
export function within<Result>(
  work: Promise<Result>,
  dueMs: number,
  clockwork: Clockwork,
  late: () => Error,
): Promise<Result> {
  if (dueMs === Number.POSITIVE_INFINITY) return work;
  return new Promise((resolve, reject) => {
    const alarm = new Alarm(() => reject(late()));
    clockwork.add(alarm, dueMs);
    work.then(
      (result) => {
        clockwork.remove(alarm);
        resolve(result);
      },
      (failure: unknown) => {
        clockwork.remove(alarm);
        reject(failure);
      },
    );
  });
}
