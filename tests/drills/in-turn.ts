/** Does all of it in its order, whatever goes wrong, and then throws what went wrong first. */
export async function inTurn(steps: readonly (() => unknown)[]): Promise<void> {
  const faults: { readonly fault: unknown }[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (fault) {
      faults.push({ fault });
    }
  }
  if (faults[0]) throw faults[0].fault;
}
