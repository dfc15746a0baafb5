import { setTimeout as pause } from 'node:timers/promises';

/** An exporter gives up after ten seconds, and tries again. */
const EXPORT_MS_MAX = 10_000;
const TRIES_MAX = 60;

/** What became of the exports. */
export interface Exported {
  /** From the moment an export was due to its answer, with all that it was told to send again. */
  readonly latenciesMs: readonly number[];
  readonly putOff: number;
}

async function answerTo(url: string, type: string, body: Buffer): Promise<Response | 'too late'> {
  try {
    return await fetch(`${url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(EXPORT_MS_MAX),
    });
  } catch (fault) {
    if ((fault as Error).name !== 'TimeoutError') throw fault;
    return 'too late';
  }
}

/** One flush, sent until it is taken. @throws {Error} It was refused, or put off too often. */
async function exported(url: string, type: string, body: Buffer): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const answer = await answerTo(url, type, body);
    if (answer === 'too late') continue;
    const said = await answer.text();
    if (answer.status === 200) {
      if (said !== '' && said !== '{}') throw new Error(`not all spans were taken: ${said}`);
      return tries;
    }
    if (answer.status !== 429 && answer.status !== 503)
      throw new Error(`spans were refused with ${answer.status}: ${said}`);
    await pause(Number(answer.headers.get('retry-after') ?? 1) * 1_000);
  }
  throw new Error(`an export was put off ${TRIES_MAX} times`);
}

/** Sends one body after another at a steady rate, whatever became of those before. */
export async function exportSteadily(
  url: string,
  type: string,
  bodies: readonly Buffer[],
  perSecond: number,
): Promise<Exported> {
  const latenciesMs: number[] = [];
  let putOff = 0;
  const start = performance.now();
  const exports = bodies.map(async (body, at) => {
    const dueMs = (at * 1_000) / perSecond;
    await pause(Math.max(0, start + dueMs - performance.now()));
    putOff += await exported(url, type, body);
    latenciesMs.push(performance.now() - start - dueMs);
  });
  await Promise.all(exports);
  return { latenciesMs, putOff };
}

/** Sends the same body so often, `atOnce` at a time. @returns How often it was put off. */
export async function exportAtOnce(
  url: string,
  type: string,
  bodies: readonly Buffer[],
  atOnce: number,
): Promise<number> {
  const left = [...bodies];
  let putOff = 0;
  const exporter = async (): Promise<void> => {
    for (let body = left.pop(); body; body = left.pop()) putOff += await exported(url, type, body);
  };
  await Promise.all(Array.from({ length: atOnce }, exporter));
  return putOff;
}
