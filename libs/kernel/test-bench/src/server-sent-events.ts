import { get, type IncomingMessage } from 'node:http';

/** One block of a stream: its fields as they stand there. */
export interface SentBlock {
  readonly event?: string;
  readonly id?: string;
  readonly data?: string;
  readonly retry?: string;
  readonly comment?: string;
}

const WAIT_MS_MAX = 30_000;

/** A client of server-sent events that keeps every block, on a connection of its own. */
export class SentEvents {
  private buffered = '';
  private ended = false;
  private readonly listeners = new Set<() => void>();
  readonly blocks: SentBlock[] = [];

  private constructor(private readonly response: IncomingMessage) {
    response.setEncoding('utf8').on('data', (text: string) => this.take(text));
    response
      .on('error', () => undefined)
      .on('close', () => {
        this.ended = true;
        this.tell();
      });
  }

  /** @throws {Error} It answered something else. */
  static async open(
    url: string,
    headers: Readonly<Record<string, string>> = {},
    /** Where the client is: any address of this machine. */
    localAddress = '127.0.0.1',
  ): Promise<SentEvents> {
    const accepting = { Accept: 'text/event-stream', ...headers };
    const response = await new Promise<IncomingMessage>((resolve, reject) =>
      get(url, { agent: false, headers: accepting, localAddress }, resolve).on('error', reject),
    );
    if (response.statusCode === 200) return new SentEvents(response);
    response.destroy();
    throw new Error(`the stream answered ${response.statusCode}`);
  }

  /** Those with data. */
  get events(): readonly SentBlock[] {
    return this.blocks.filter(({ data }) => data !== undefined);
  }

  get isEnded(): boolean {
    return this.ended;
  }

  /**
   * Reads until it holds.
   *
   * @throws {Error} The time is over, or the stream is, and it does not hold.
   */
  async until(holds: (events: readonly SentBlock[]) => boolean): Promise<readonly SentBlock[]> {
    const deadline = Date.now() + WAIT_MS_MAX;
    while (!holds(this.events)) {
      if (this.ended || Date.now() >= deadline)
        throw new Error(`it does not hold of ${JSON.stringify(this.blocks).slice(0, 2_000)}`);
      await this.moved(deadline - Date.now());
    }
    return this.events;
  }

  /** Returns when the other side has ended it, or the time is over. */
  async end(): Promise<void> {
    const deadline = Date.now() + WAIT_MS_MAX;
    while (!this.ended && Date.now() < deadline) await this.moved(deadline - Date.now());
  }

  close(): void {
    this.response.destroy();
  }

  /** Takes nothing more for now. */
  pause(): void {
    this.response.pause();
  }

  resume(): void {
    this.response.resume();
  }

  private moved(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.listeners.delete(done);
        resolve();
      };
      const timer = setTimeout(done, withinMs);
      this.listeners.add(done);
    });
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }

  private take(text: string): void {
    const blocks = (this.buffered + text).split('\n\n');
    this.buffered = blocks.pop() ?? '';
    this.blocks.push(...blocks.map(blockOf));
    if (blocks.length > 0) this.tell();
  }
}

/** @see HTML standard, 9.2.6: a line that begins with a colon is a comment. */
const blockOf = (text: string): SentBlock =>
  Object.fromEntries(
    text.split('\n').map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at) || 'comment', line.slice(at + 1).replace(/^ /, '')];
    }),
  );
