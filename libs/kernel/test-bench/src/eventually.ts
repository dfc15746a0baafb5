import { inspect } from 'node:util';

/** A cap for what should take milliseconds, on a machine that does much else. */
const WITHIN_MS = 15_000;
const PAUSE_MS = 20;

/**
 * Repeats `ask` until `expect` is content with the answer: it returns anything but false and does not throw.
 *
 * @param withinMs Default 15,000.
 * @throws {Error} It never was. The message holds the last answer, the cause what was wrong with it.
 */
export async function eventually<Answer>(
  ask: () => Promise<Answer> | Answer,
  expect: (answer: Answer) => unknown,
  withinMs = WITHIN_MS,
): Promise<Answer> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const { answer, failed } = await attempt(ask, expect);
    if (!failed) return answer;
    if (Date.now() >= deadline)
      throw new Error(
        `not within ${withinMs} ms; the last answer was ${inspect(answer, { depth: 8 })}`,
        {
          cause: failed.cause,
        },
      );
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

type Attempt<Answer> =
  | { readonly answer: Answer; readonly failed: undefined }
  | { readonly answer: Answer | undefined; readonly failed: { readonly cause: unknown } };

/** A test's own assertion may throw anything; what it says goes into the report. */
async function attempt<Answer>(
  ask: () => Promise<Answer> | Answer,
  expect: (answer: Answer) => unknown,
): Promise<Attempt<Answer>> {
  const answered = await Promise.resolve()
    .then(ask)
    .then(
      (answer) => ({ answer }),
      (cause: unknown) => ({ cause }),
    );
  if ('cause' in answered) return { answer: undefined, failed: answered };
  return Promise.resolve(answered.answer)
    .then(expect)
    .then(
      (verdict) =>
        verdict === false
          ? { answer: answered.answer, failed: { cause: undefined } }
          : { answer: answered.answer, failed: undefined },
      (cause: unknown) => ({ answer: answered.answer, failed: { cause } }),
    );
}
