import { setTimeout as pause } from 'node:timers/promises';
import { JSONCodec } from 'nats';
import type { BenchContext, Part } from '../bench-context';
import { figure } from '../report/figure';
import { ParticipantProcess } from '../suite/participant';

const ROUNDS = 4;
const GONE_MS_MAX = 20_000;
const ASK_EVERY_MS = 3;
const CHECK = { interval_ms: 250, timeout_ms: 250, failure_threshold: 3 };
/** When the last of the failures in a row is due: a dead process refuses at once, a frozen one lets time pass. */
const THRESHOLD_MS = {
  SIGKILL: CHECK.failure_threshold * CHECK.interval_ms,
  SIGSTOP: CHECK.failure_threshold * (CHECK.interval_ms + CHECK.timeout_ms),
} as const;

const json = JSONCodec();

/** An instance stops working: how long until a lookup does not name it any more. */
export const discovery: Part = {
  name: 'discovery',
  async run(context) {
    const gone = { SIGKILL: [] as number[], SIGSTOP: [] as number[] };
    for (let round = 0; round < ROUNDS; round++)
      for (const signal of ['SIGKILL', 'SIGSTOP'] as const)
        gone[signal].push(
          await goneAfterMs(context, signal, `found-${signal.toLowerCase()}-${round}`),
        );
    const settings = `checked every ${CHECK.interval_ms} ms, ${CHECK.failure_threshold} failures`;
    const late = (signal: 'SIGKILL' | 'SIGSTOP') =>
      gone[signal].map((ms) => Math.max(0, ms - THRESHOLD_MS[signal]));
    return {
      figures: [
        figure('discovery', `killed (${settings}): gone from lookup after`, 'ms', gone.SIGKILL),
        figure(
          'discovery',
          `killed: after its threshold of ${THRESHOLD_MS.SIGKILL} ms`,
          'ms',
          late('SIGKILL'),
          { atMost: 1_000 },
        ),
        figure(
          'discovery',
          `frozen (time-out ${CHECK.timeout_ms} ms): gone from lookup after`,
          'ms',
          gone.SIGSTOP,
        ),
        figure(
          'discovery',
          `frozen: after its threshold of ${THRESHOLD_MS.SIGSTOP} ms`,
          'ms',
          late('SIGSTOP'),
          { atMost: 1_000 },
        ),
      ],
    };
  },
};

async function goneAfterMs(
  context: BenchContext,
  signal: 'SIGKILL' | 'SIGSTOP',
  service: string,
): Promise<number> {
  const { client } = await context.loadBench();
  const participant = await ParticipantProcess.start(context.suite, [service], { check: CHECK });
  const question = json.encode({ input: { service_name: service } });
  const found = async (): Promise<number> => {
    const { data } = await client.nats.request('query.registry.find-instances', question, {
      timeout: 5_000,
    });
    const outcome = json.decode(data) as { data: { instances: readonly unknown[] } };
    return outcome.data.instances.length;
  };
  try {
    // Anywhere between two checks, as processes die.
    await pause(Math.random() * CHECK.interval_ms);
    const start = performance.now();
    participant.signal(signal);
    while ((await found()) > 0) {
      if (performance.now() - start > GONE_MS_MAX) throw new Error(`${service} is still listed`);
      await pause(ASK_EVERY_MS);
    }
    const ms = performance.now() - start;
    console.log(JSON.stringify({ benchmark: 'discovery', signal, ms: Math.round(ms) }));
    return ms;
  } finally {
    await participant.stop();
  }
}
