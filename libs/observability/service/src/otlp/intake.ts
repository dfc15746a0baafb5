import { RequestRefused } from './request-refused';

/** Bodies that are being taken in: what has come of them, and what was unpacked. */
const BYTES_MAX = 32 * 2 ** 20;
const REQUESTS_MAX = 128;
const RETRY_AFTER_SECONDS = 1;
/** An exporter whose connection ends sends again: nothing is lost by not waiting. */
const CLOSE_MS_MAX = 3_000;

/** Who is slow may hold so much of all places and bytes for the bodies that have not come whole. */
const SHARE_OF_ADDRESS = 0.5;

/** The place of one request. */
export interface Place {
  /** Before so many bytes more are kept. @throws {RequestRefused} There is no room for them. */
  hold(bytes: number): void;
  /** Its body has come whole: nobody waits for whoever sent it any more. */
  hasCome(): void;
}

/** What has come of the bodies of one address that have not come whole. */
interface Coming {
  requests: number;
  bytes: number;
}

/** How much is taken in at once: exporters keep what does not fit, and send it again. */
export class Intake {
  private requests = 0;
  private bytes = 0;
  private isClosed = false;
  private onIdle: (() => void)[] = [];
  private readonly coming = new Map<string, Coming>();

  constructor(
    private readonly bytesMax = BYTES_MAX,
    private readonly requestsMax = REQUESTS_MAX,
  ) {}

  /**
   * Does `work` if there is a place for one more request. Of bytes those count that have come: who is
   * slow takes no room from others, and whoever sends from one address leaves room for other ones.
   *
   * @throws {RequestRefused} There is none, or no more is taken in.
   */
  async admit<Result>(address: string, work: (place: Place) => Promise<Result>): Promise<Result> {
    if (this.isClosed) throw new RequestRefused(503, 'this process ends', RETRY_AFTER_SECONDS);
    if (this.requests >= this.requestsMax) throw full();
    const come = this.begin(address);
    this.requests++;
    let held = 0;
    let isComing = true;
    const hold = (bytes: number): void => {
      if (this.bytes + bytes > this.bytesMax) throw full();
      if (isComing) this.holdOf(address, bytes);
      this.bytes += bytes;
      held += bytes;
    };
    const hasCome = (): void => {
      if (isComing) come(held);
      isComing = false;
    };
    try {
      return await work({ hold, hasCome });
    } finally {
      hasCome();
      this.requests--;
      this.bytes -= held;
      if (this.requests === 0) for (const idle of this.onIdle.splice(0)) idle();
    }
  }

  /** @returns To be called when the body has come whole, or never will, with what came of it. */
  private begin(address: string): (bytes: number) => void {
    const coming = this.coming.get(address) ?? { requests: 0, bytes: 0 };
    if (coming.requests >= this.requestsMax * SHARE_OF_ADDRESS) throw full(' from one address');
    coming.requests++;
    this.coming.set(address, coming);
    return (bytes) => {
      coming.requests--;
      coming.bytes -= bytes;
      if (coming.requests === 0) this.coming.delete(address);
    };
  }

  private holdOf(address: string, bytes: number): void {
    const coming = this.coming.get(address);
    if (!coming) return;
    if (coming.bytes + bytes > this.bytesMax * SHARE_OF_ADDRESS) throw full(' from one address');
    coming.bytes += bytes;
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

const full = (whence = ''): RequestRefused =>
  new RequestRefused(
    429,
    `more spans come in${whence} than can be kept: send them again later`,
    RETRY_AFTER_SECONDS,
  );
