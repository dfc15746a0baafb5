import type { BenchContext, Part } from '../bench-context';
import { settled } from '../load/settled';
import { percentile } from '../measure/statistics';
import { figure, type Figure } from '../report/figure';
import { sagaRound } from './saga-round';

const FILL_MS = 10_000;
const FILLS_MAX = 6;
/** What an hour of the demo makes at a wedding and a half a second. */
const EVENTS_MIN = 120_000;
const MOMENTS = 300;
const WARM_UPS = 5;
const VIEWS = [
  '/workflows?limit=50',
  '/workflows?status=completed&limit=50',
  '/workflow-definitions',
  '/workflows/incidents',
  '/services',
  '/circuit-breakers',
  '/health/system',
  '/traces',
];

/** Random moments of every view over HTTP, while nothing else goes on. */
export const moments: Part = {
  name: 'moments',
  async run(context) {
    const { client } = await context.loadBench();
    for (let fill = 0; fill < FILLS_MAX && (await context.counts.head()) < EVENTS_MIN; fill++)
      await sagaRound(context, { entry: 'nats', concurrency: 64, forMs: FILL_MS });
    const head = await context.counts.head();
    await settled(client, head);
    const figures: Figure[] = [figure('moments', 'events of the log', '', [head])];
    for (const view of VIEWS) figures.push(...(await asked(context, view, head)));
    return { figures };
  },
};

async function asked(context: BenchContext, view: string, head: number): Promise<Figure[]> {
  const ms: number[] = [];
  for (let moment = -WARM_UPS; moment < MOMENTS; moment++) {
    const at = 1 + Math.floor(Math.random() * head);
    const begin = performance.now();
    await context.suite.request('GET', `${view}${view.includes('?') ? '&' : '?'}at=${at}`);
    if (moment >= 0) ms.push(performance.now() - begin);
  }
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(ms, share));
  console.log(JSON.stringify({ benchmark: 'moments', view, p50, p95, p99 }));
  return [
    figure('moments', `${view}: p50`, 'ms', [percentile(ms, 0.5)]),
    figure('moments', `${view}: p95`, 'ms', [percentile(ms, 0.95)], { atMost: 300 }),
    figure('moments', `${view}: p99`, 'ms', [percentile(ms, 0.99)]),
  ];
}
