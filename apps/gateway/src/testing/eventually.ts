/** Asks again and again, for at most 20 s, and reports the last answer. */
export async function eventually(expectation: () => Promise<void>): Promise<void> {
  const until = Date.now() + 20_000;
  for (;;) {
    try {
      return await expectation();
    } catch (fault) {
      if (Date.now() > until) throw fault;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
