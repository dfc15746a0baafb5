/** Asks again until `expectation` holds, for a bounded time; then its last failure is the test's. */
export async function eventually<Answer>(
  ask: () => Promise<Answer>,
  expectation: (answer: Answer) => void,
  withinMs = 30_000,
): Promise<Answer> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      const answer = await ask();
      expectation(answer);
      return answer;
    } catch (fault) {
      if (Date.now() > deadline) throw fault;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
