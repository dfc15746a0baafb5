import { Pool } from 'undici';
import { startCommand } from '../load/workflow';

const CONNECTIONS_MAX = 64;
const ENDED_MS_MAX = 60_000;

/** What is run, the same for every contender. */
export const orderOf = (runId: string) => startCommand('', runId).context_data.order;

/** Something else than a good answer. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** Starts runs over HTTP. */
export class RunsClient {
  private readonly pool: Pool;

  constructor(url: string) {
    this.pool = new Pool(url, { connections: CONNECTIONS_MAX });
  }

  /** @throws {Refused} The answer is not a good one. @throws {Error} None came within a minute. */
  async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<unknown> {
    const answer = await this.pool.request({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body: JSON.stringify(body),
      headersTimeout: ENDED_MS_MAX,
      bodyTimeout: ENDED_MS_MAX,
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Refused(`${path}: ${answer.statusCode} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  async isHealthy(path: string): Promise<boolean> {
    try {
      const { statusCode, body } = await this.pool.request({ method: 'GET', path });
      await body.dump();
      return statusCode === 200;
    } catch (fault) {
      // Not listening yet, or gone in the middle of an answer.
      if (CONNECTION_FAULTS.has((fault as NodeJS.ErrnoException).code ?? '')) return false;
      throw fault;
    }
  }

  /** Does not wait for answers. */
  async close(): Promise<void> {
    await this.pool.destroy();
  }
}

const CONNECTION_FAULTS: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'UND_ERR_SOCKET',
]);

/** What a run answers with when both calls were made. */
export function assertPaid(runId: string, answer: unknown): void {
  const paid = (answer as { payment_id?: string } | undefined)?.payment_id;
  if (paid !== `${runId}:pay-done`)
    throw new Error(`${runId} ended with ${JSON.stringify(answer)}`);
}
