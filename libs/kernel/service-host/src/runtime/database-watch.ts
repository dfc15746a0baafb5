import { Logger } from '@nestjs/common';
import type { ContextPool } from './context-pool';
import { Periodic } from './periodic';

const ASK_EVERY_MS = 1_000;
const ANSWER_TIMEOUT_MS = 2_000;
/** An answer older than this says nothing about now. */
const STALE_MS = 5_000;

export interface DatabaseWatchPace {
  readonly askEveryMs: number;
  readonly staleMs: number;
}

/** Whether Postgres answers. It is asked in the background, so that whoever wants to know is told from memory. */
export class DatabaseWatch {
  private readonly logger: Logger;
  private readonly periodic: Periodic;
  private readonly staleMs: number;
  private answeredAt: number | undefined;

  constructor(
    private readonly pool: Pick<ContextPool, 'ask'>,
    context: string,
    private readonly now: () => number,
    { askEveryMs = ASK_EVERY_MS, staleMs = STALE_MS }: Partial<DatabaseWatchPace> = {},
  ) {
    this.logger = new Logger(`${context} database`);
    this.staleMs = staleMs;
    this.periodic = new Periodic('watching the database', askEveryMs, () => this.ask());
  }

  /** Returns after the first answer, whatever it is. */
  async start(): Promise<void> {
    await this.ask();
    this.periodic.start();
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  isReachable(): boolean {
    return this.answeredAt !== undefined && this.now() - this.answeredAt <= this.staleMs;
  }

  private async ask(): Promise<void> {
    const wasReachable = this.answeredAt !== undefined;
    await this.pool.ask('select 1', ANSWER_TIMEOUT_MS).then(
      () => {
        this.answeredAt = this.now();
        if (!wasReachable) this.logger.log('the database answers');
      },
      (fault: unknown) => {
        this.answeredAt = undefined;
        if (wasReachable) this.logger.error({ err: fault }, 'the database does not answer');
      },
    );
  }
}
