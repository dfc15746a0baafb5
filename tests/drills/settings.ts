/** What `npm run drill:<name> -- --seed 7 --rounds 2 --minutes 3` asks for; `tools/drill.mjs` passes it on. */
export const seedOf = (): number => setting('DRILL_SEED') ?? Date.now() % 1_000_000;
export const roundsOf = (usual: number): number => setting('DRILL_ROUNDS') ?? usual;
export const minutesOf = (usual: number): number => setting('DRILL_MINUTES') ?? usual;

/** `wrong`: one replica's clock is an hour off. */
export const clocksOf = (): 'wrong' | 'true' =>
  process.env['DRILL_CLOCKS'] === 'true' ? 'true' : 'wrong';
/** A bug to plant, so that the drill has something to find. */
export const plantOf = (): string | undefined => process.env['DRILL_PLANT'] || undefined;

/** A drill ends in any case: after this Jest ends it, and counts it as failed. */
export const DRILL_MS_MAX = 4 * 3_600_000;

function setting(name: string): number | undefined {
  const text = process.env[name];
  return text === undefined || text === '' ? undefined : Number(text);
}

/** Says a line at once: Jest keeps back what goes through the console. */
export const say = (line: string): void => void process.stderr.write(`${line}\n`);

export function sayFigures(name: string, figures: Readonly<Record<string, unknown>>): void {
  say(`\n${name}: ${JSON.stringify(figures)}`);
  for (const [figure, value] of Object.entries(figures))
    say(`  ${figure.replaceAll('_', ' ').padEnd(44)} ${String(value)}`);
}
