import { RequestRefused } from './request-refused';

/** Bodies that are being taken in: what has come of them, and what was unpacked. */
const BYTES_MAX = 32 * 2 ** 20;
const REQUESTS_MAX = 128;
const RETRY_AFTER_SECONDS = 1;
/** An exporter whose connection ends sends again: nothing is lost by not waiting. */
const CLOSE_MS_MAX = 3_000;

/** The place of one request. */
export interface Place {
  /** Before so many bytes more are kept. @throws {RequestRefused} There is no room for them. */
  hold(bytes: number): void;
}

/** How much is taken in at once: exporters keep what does not fit, and send it again. */
export class Intake {
  private requests = 0;
  private bytes = 0;
  private isClosed = false;
  private onIdle: (() => void)[] = [];

  constructor(
    private readonly bytesMax = BYTES_MAX,
    private readonly requestsMax = REQUESTS_MAX,
  ) {}

  /**
   * Does `work` if there is a place for one more request. Of bytes those count that have come: who is
   * slow takes no room from others.
   *
   * @throws {RequestRefused} There is none, or no more is taken in.
   */
  async admit<Result>(work: (place: Place) => Promise<Result>): Promise<Result> {
    if (this.isClosed) throw new RequestRefused(503, 'this process ends', RETRY_AFTER_SECONDS);
    if (this.requests >= this.requestsMax) throw full();
    this.requests++;
    let held = 0;
    const hold = (bytes: number): void => {
      if (this.bytes + bytes > this.bytesMax) throw full();
      this.bytes += bytes;
      held += bytes;
    };
    try {
      return await work({ hold });
    } finally {
      this.requests--;
      this.bytes -= held;
      if (this.requests === 0) for (const idle of this.onIdle.splice(0)) idle();
    }
  }

  /** Takes in no more, and returns when what is under way has ended, or has had its time for that. */
  async close(withinMs = CLOSE_MS_MAX): Promise<void> {
    this.isClosed = true;
    if (this.requests === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.onIdle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

const full = (): RequestRefused =>
  new RequestRefused(
    429,
    'more spans come in than can be kept: send them again later',
    RETRY_AFTER_SECONDS,
  );
