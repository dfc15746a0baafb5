import type { BenchContext, Part } from '../bench-context';
import { figure } from '../report/figure';

const ROUNDS = 3;

/** From servers that answer to five apps that are ready; first on an empty database, then on it again. */
export const startup: Part = {
  name: 'startup',
  async run({ suite }: BenchContext) {
    const seconds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await suite.stopApps();
      const ms = await suite.startApps();
      console.log(JSON.stringify({ benchmark: 'startup', ms: Math.round(ms) }));
      seconds.push(ms / 1_000);
    }
    return { figures: [figure('startup', 'five apps ready', 's', seconds, { atMost: 10 })] };
  },
};
