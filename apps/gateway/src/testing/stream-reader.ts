import { get, type IncomingMessage } from 'node:http';
import type { GatewayBench } from './gateway-bench';

/** One event as a client sees it; `data` parsed. */
export interface StreamedEvent {
  readonly id: number;
  readonly data: { readonly position: number; readonly type: string };
}

const WAIT_MS_MAX = 20_000;

/** A client of the stream that reads block after block, on a connection of its own. */
export class StreamReader {
  private buffered = '';
  private ended = false;
  private changed: () => void = () => undefined;
  readonly events: StreamedEvent[] = [];
  /** What is not an event: comments, reconnection times, ids alone. */
  readonly others: string[] = [];

  private constructor(private readonly response: IncomingMessage) {
    response.setEncoding('utf8').on('data', (text: string) => this.take(text));
    response
      .on('error', () => undefined)
      .on('close', () => {
        this.ended = true;
        this.changed();
      });
  }

  static async open(
    bench: GatewayBench,
    parameters = '',
    headers: Record<string, string> = {},
    /** Where the client is: any address of this machine. */
    localAddress = '127.0.0.1',
  ): Promise<StreamReader> {
    const url = bench.url(`/api/orchestration/stream${parameters}`);
    const response = await new Promise<IncomingMessage>((resolve, reject) =>
      get(url, { agent: false, headers, localAddress }, resolve).on('error', reject),
    );
    if (response.statusCode === 200) return new StreamReader(response);
    response.destroy();
    throw new Error(`the stream answered ${response.statusCode}`);
  }

  /** Reads until there are so many events, or the time is over. */
  async positions(count: number): Promise<readonly number[]> {
    await this.until(() => this.events.length >= count);
    return this.events.map(({ id }) => id);
  }

  async until(holds: () => boolean): Promise<void> {
    const timer = setTimeout(() => this.close(), WAIT_MS_MAX);
    while (!holds() && !this.ended)
      await new Promise<void>((resolve) => {
        this.changed = resolve;
      });
    clearTimeout(timer);
  }

  get isEnded(): boolean {
    return this.ended;
  }

  close(): void {
    this.response.destroy();
  }

  private take(text: string): void {
    const blocks = (this.buffered + text).split('\n\n');
    this.buffered = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = /^id: (\d+)\ndata: (.*)$/.exec(block);
      if (!event) this.others.push(block);
      else this.events.push({ id: Number(event[1]), data: dataOf(event[2] ?? '') });
    }
    this.changed();
  }
}

const dataOf = (text: string): StreamedEvent['data'] => JSON.parse(text) as StreamedEvent['data'];
