import { BODY_BYTES_MAX } from './body';
import { RequestRefused } from './request-refused';

/** Bodies that are being taken in, as they came over the wire. */
const BYTES_MAX = 32 * 2 ** 20;
const REQUESTS_MAX = 128;
const RETRY_AFTER_SECONDS = 1;
/** An exporter whose connection ends sends again: nothing is lost by not waiting. */
const CLOSE_MS_MAX = 3_000;

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
   * Does `work` if there is room for a body of so many bytes.
   *
   * @param length As the request says; undefined when it does not.
   * @throws {RequestRefused} There is none, or no more is taken in.
   */
  async admit<Result>(length: number | undefined, work: () => Promise<Result>): Promise<Result> {
    if (this.isClosed) throw new RequestRefused(503, 'this process ends', RETRY_AFTER_SECONDS);
    const bytes = Math.min(length ?? BODY_BYTES_MAX, BODY_BYTES_MAX);
    if (this.requests >= this.requestsMax || this.bytes + bytes > this.bytesMax)
      throw new RequestRefused(
        429,
        'more spans come in than can be kept: send them again later',
        RETRY_AFTER_SECONDS,
      );
    this.requests++;
    this.bytes += bytes;
    try {
      return await work();
    } finally {
      this.requests--;
      this.bytes -= bytes;
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
