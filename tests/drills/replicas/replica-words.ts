/** What a replica says of its engine. */
export async function engineOf(url: string): Promise<{ readonly owner: string }> {
  const answer = await fetch(`${url}/health/detailed`);
  const { checks } = (await answer.json()) as {
    readonly checks: Readonly<Record<string, { readonly details?: { readonly owner?: string } }>>;
  };
  const owner = checks['saga-engine']?.details?.owner;
  if (owner === undefined) throw new Error(`${url} does not say under which name it holds runs`);
  return { owner };
}

/** Runs that the safety net has found, by what all lives of a replica have logged. */
export function sweptIn(log: string): number {
  const lines = log.split('\n').filter((line) => line.includes('held runs that nobody had open'));
  return lines.reduce((sum, line) => sum + Number(/"runs":(\d+)/.exec(line)?.[1] ?? 1), 0);
}

/** The same, by its metric, since it began. */
export async function sweptNow(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const found = /^downbeat_saga_runs_swept_total(?:\{.*\})? (\d+)$/m.exec(text);
  if (!found) throw new Error(`${url} does not count what its safety net finds`);
  return Number(found[1]);
}
