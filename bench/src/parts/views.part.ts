import { setTimeout as pause } from 'node:timers/promises';
import { SentEvents } from '@downbeat/test-bench';
import { connect, JSONCodec, type NatsConnection } from 'nats';
import type { BenchContext, Part } from '../bench-context';
import { cpuUs } from '../measure/proc';
import { figure } from '../report/figure';
import { GatewayAlone } from '../suite/gateway-alone';

const ROUNDS = 3;
const ROUND_MS = 4_000;
const EVENTS_PER_S = 1_000;
const WATCHERS = 100;
const ROWS = 50;
const TELL_EVERY_MS = 5;
const US_PER_PERCENT = 10_000;
const json = JSONCodec();

interface Round {
  readonly hintsPerS: number;
  /** Of the gateway, of one core. */
  readonly percent: number;
  readonly questionsPerS: number;
  /** Answers that one follower was sent. */
  readonly answersPerS: number;
}

/** What it costs a gateway that many follow the same view, while each second a thousand appends change it. */
export const views: Part = {
  name: 'views',
  async run({ suite }: BenchContext) {
    const gateway = await GatewayAlone.start(suite.folder('views'));
    const nats = await connect({ servers: gateway.nats.url });
    try {
      const log = changingLog(nats);
      const rounds = { nobody: [] as Round[], followed: [] as Round[] };
      for (let no = 0; no <= ROUNDS; no++) {
        const nobody = await round(gateway, log, 0);
        const followed = await round(gateway, log, WATCHERS);
        if (no === 0) continue; // It warms up.
        rounds.nobody.push(nobody);
        rounds.followed.push(followed);
      }
      const { nobody, followed } = rounds;
      const title = `${WATCHERS} followers of one view of ${ROWS} rows:`;
      const all = (of: readonly Round[], what: keyof Round) => of.map((one) => one[what]);
      return {
        figures: [
          figure('views', `${title} appends heard of`, '1/s', all(followed, 'hintsPerS')),
          figure('views', `${title} questions`, '1/s', all(followed, 'questionsPerS')),
          figure('views', `${title} answers to each`, '1/s', all(followed, 'answersPerS')),
          figure('views', `${title} CPU of the gateway`, '% of a core', all(followed, 'percent')),
          figure(
            'views',
            'no followers: CPU of the gateway',
            '% of a core',
            all(nobody, 'percent'),
          ),
        ],
      };
    } finally {
      await nats.close();
      await gateway.stop();
    }
  },
};

interface ChangingLog {
  position: number;
  questions: number;
  readonly append: () => void;
}

/** Stands for the saga context: every append changes what it answers, and is hinted at. */
function changingLog(nats: NatsConnection): ChangingLog {
  const log: ChangingLog = {
    position: 1,
    questions: 0,
    append: () =>
      nats.publish('hint.log.log', json.encode({ position: ++log.position, contexts: ['saga'] })),
  };
  nats.subscribe('query.saga.list-workflows', {
    callback: (_, message) => {
      log.questions++;
      const { position } = log;
      message.respond(json.encode({ ok: true, position, data: answerAt(position) }));
    },
  });
  return log;
}

/** About as large as what is listed of fifty runs. */
const answerAt = (position: number): object => ({
  workflows: Array.from({ length: ROWS }, (_, row) => ({
    workflow_id: `0193a6de-7f4e-7c59-9d5b-${String(position + row).padStart(12, '0')}`,
    workflow_name: 'book-wedding',
    workflow_version: '1.0.0',
    correlation_id: `order-${position + row}`,
    initiating_service: 'shop',
    current_status: row % 2 === 0 ? 'running' : 'completed',
    current_step: 'take-deposit',
    started_at: '2026-03-01T09:30:00.000Z',
    updated_at: '2026-03-01T09:30:01.000Z',
    completed_steps: 3,
    total_steps: 5,
  })),
  status_summary: { running: position, completed: position },
});

async function round(
  { app: { pid, url } }: GatewayAlone,
  log: ChangingLog,
  watchers: number,
): Promise<Round> {
  const view = `${url}/api/orchestration/workflows?limit=${ROWS}`;
  const streams = await Promise.all(Array.from({ length: watchers }, () => SentEvents.open(view)));
  for (const stream of streams) await stream.until((events) => events.length > 0);
  const taken = async () => ({
    us: await cpuUs(pid),
    ms: performance.now(),
    position: log.position,
    questions: log.questions,
    answers: streams.reduce((sum, { events }) => sum + events.length, 0),
  });
  const before = await taken();
  for (let sent = 0; performance.now() - before.ms < ROUND_MS; await pause(TELL_EVERY_MS))
    for (; sent < ((performance.now() - before.ms) * EVENTS_PER_S) / 1_000; sent++) log.append();
  const after = await taken();
  for (const stream of streams) stream.close();
  const perS = (what: keyof typeof after): number =>
    ((after[what] - before[what]) / (after.ms - before.ms)) * 1_000;
  const found = {
    hintsPerS: perS('position'),
    percent: perS('us') / US_PER_PERCENT,
    questionsPerS: perS('questions'),
    answersPerS: perS('answers') / Math.max(1, watchers),
  };
  console.log(JSON.stringify({ benchmark: 'views', watchers, ...found }));
  return found;
}
