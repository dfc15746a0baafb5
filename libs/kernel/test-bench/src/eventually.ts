import { eventually as untilItPasses, WITHIN_MS } from '@downbeat/local-servers/testing';
import { inspect } from 'node:util';

/**
 * Repeats `ask` until `expect` is content with the answer: it returns anything but false and does not throw.
 *
 * @param withinMs Default 30,000.
 * @throws {Error} It never was. The message holds the last answer, the cause what was wrong with it.
 */
export async function eventually<Answer>(
  ask: () => Promise<Answer> | Answer,
  expect: (answer: Answer) => unknown,
  withinMs = WITHIN_MS,
): Promise<Answer> {
  let last: Answer | undefined;
  const attempt = async (): Promise<Answer> => {
    last = undefined;
    last = await ask();
    if ((await expect(last)) === false) throw new Error('it was not what was expected');
    return last;
  };
  return untilItPasses(attempt, withinMs).catch((cause: unknown) => {
    const answer = inspect(last, { depth: 8 });
    throw new Error(`not within ${withinMs} ms; the last answer was ${answer}`, { cause });
  });
}
