import type { ContextPool } from './context-pool';
import { Periodic } from './periodic';

const TURN_EVERY_MS = 60_000;
const ROWS_MAX = 5_000;
/** So that one turn does not hold up the end of the process for long. */
const STATEMENTS_MAX = 20;

/**
 * Forgets what a context's commands were answered when it is old, in small statements. A command
 * sent again after that is carried out again, as far as its aggregate lets it.
 */
export class ForgottenAnswers {
  private readonly periodic = new Periodic('forgetting answers', TURN_EVERY_MS, async () => {
    await this.turn();
  });

  constructor(
    private readonly pool: Pick<ContextPool, 'query'>,
    private readonly logName: string,
    private readonly keptDays: number,
  ) {}

  start(): void {
    this.periodic.start();
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  /** @returns How many were forgotten. */
  async turn(): Promise<number> {
    let forgotten = 0;
    for (let statement = 0; statement < STATEMENTS_MAX; statement++) {
      const { rows } = await this.pool.query<{ forgotten: number }>(
        `select "${this.logName}".forget_answers($1, $2) as forgotten`,
        [this.keptDays, ROWS_MAX],
      );
      const now = rows[0]?.forgotten ?? 0;
      forgotten += now;
      if (now < ROWS_MAX) break;
    }
    return forgotten;
  }
}
